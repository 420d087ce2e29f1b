//! A machine without Go: the test's module proxy has Go releases that are stand-ins.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::sync::watch;
use wombat_go::{FetchProgress, GoOffer, GoOptions, GoSettings, SettingsError};
use wombat_model::{GoVersion, catalog::GoReleases};
use wombat_testkit::{ModuleProxy, StubGo, TestModule};

/// A module proxy with Go releases, and a folder for a builder.
pub(crate) struct Scene {
    pub(crate) proxy: ModuleProxy,
    pub(crate) stub: StubGo,
    pub(crate) folder: TempDir,
    pub(crate) offer: GoOffer,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self {
            proxy: ModuleProxy::start().await.unwrap(),
            stub: StubGo::new().unwrap(),
            folder: TempDir::with_prefix("wombat-no-go-").unwrap(),
            offer: GoOffer {
                releases: GoReleases::default(),
                line: "1.26".parse().unwrap(),
            },
        }
    }

    pub(crate) fn release(&self, version: &str) -> TestModule {
        TestModule::toolchain(version, &self.stub.program())
    }

    /// Serves a release, and puts it into the list.
    pub(crate) fn serve(&mut self, module: &TestModule) {
        self.proxy.serve(module).unwrap();
        self.list(module);
    }

    /// Puts a release into the list.
    pub(crate) fn list(&mut self, module: &TestModule) {
        let version = module.version().strip_prefix("v0.0.1-go").unwrap();
        let version = version.strip_suffix(".linux-amd64").unwrap();
        let sum = module.sum().parse().unwrap();
        let (version, platform) = (version.parse().unwrap(), "linux/amd64".parse().unwrap());
        self.offer.releases.add(version, platform, sum);
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn modules(&self) -> PathBuf {
        self.state().join("modules")
    }

    pub(crate) fn options(&self) -> GoOptions {
        let mut options = GoOptions {
            search_path: Some("/nowhere".into()),
            goproxy: Some(self.proxy.url()),
            ..GoOptions::default()
        };
        options.relay.goproxy_patience = std::time::Duration::from_secs(2);
        options.sandbox.sandbox_allow = vec![self.stub.folder().to_owned()];
        options
    }

    /// What a builder does first.
    pub(crate) async fn discover(&self) -> Result<GoSettings, SettingsError> {
        self.discover_with(&self.options()).await.0
    }

    /// The same with these options, and all that is told of its progress.
    pub(crate) async fn discover_with(
        &self,
        options: &GoOptions,
    ) -> (Result<GoSettings, SettingsError>, Vec<String>) {
        let (progress, told) = watch::channel(None);
        let state = self.state();
        let discovering = options.discover_or_fetch(&state, helper(), &self.offer, &progress);
        listen(discovering, told).await
    }

    /// Files and folders of this release's module that are in the module cache.
    pub(crate) fn left(&self, version: &str) -> Vec<PathBuf> {
        let downloads = self
            .modules()
            .join("cache/download/golang.org/toolchain/@v");
        let mut left = Vec::new();
        for folder in [self.modules().join("golang.org"), downloads] {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let named = entries.map(|entry| entry.path()).filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.contains(&format!("go{version}.")) && !name.ends_with(".lock")
            });
            left.extend(named);
        }
        left
    }

    /// How often the archive of this release was requested.
    pub(crate) fn requests(&self, version: &str) -> usize {
        let path = format!("go{version}.linux-amd64.zip");
        let asked = self.proxy.asked();
        asked.iter().filter(|it| it.ends_with(&path)).count()
    }
}

pub(crate) fn helper() -> PathBuf {
    env!("CARGO_BIN_EXE_wombat-go-helper").into()
}

/// The result of some work, and what was told meanwhile.
async fn listen<T>(
    work: impl Future<Output = T>,
    mut told: watch::Receiver<Option<FetchProgress>>,
) -> (T, Vec<String>) {
    let mut lines = Vec::new();
    tokio::pin!(work);
    loop {
        tokio::select! {
            // The progress comes first.
            biased;
            Ok(()) = told.changed() => {
                let progress = *told.borrow_and_update();
                lines.extend(progress.map(|progress| progress.to_string()));
            }
            done = &mut work => return (done, lines),
        }
    }
}

pub(crate) fn version(text: &str) -> GoVersion {
    text.parse().unwrap()
}

pub(crate) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.permissions().mode() & 0o111 != 0)
}

/// Bytes that can't be compressed.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..))
        .take(bytes)
        .collect()
}
