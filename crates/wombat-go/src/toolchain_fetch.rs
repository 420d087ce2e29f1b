//! Fetches a Go release without `go`: its module from the module proxy, verified by a checksum that is known before.
//!
//! The result is what `go` itself leaves in the module cache, and `go`'s own lock keeps two processes apart. A fetch
//! that is interrupted leaves nothing that counts as a release: the folder gets its name last, and only a download and
//! a folder under temporary names may stay, which the next fetch removes.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempPath;
use tokio::{sync::watch, time::sleep};
use wombat_goproxy::{ProxyClient, Upstream};
use wombat_model::{GoVersion, ModuleSum, Platform};

use super::{
    blocking::blocking,
    fetch_progress::{FetchProgress, FetchStep},
    go_fetch_error::GoFetchError,
    module_cache::{CachedModule, ModuleCache, remove_folder},
    size_limit::ZIP_HASH,
    toolchain_archive::{ArchiveError, ToolchainArchive},
    toolchain_module::{host_of, is_executable, program, toolchain_module},
};

/// Time between two looks at the lock of another process.
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// Where the progress of a fetch is told.
pub(super) type Progress = watch::Sender<Option<FetchProgress>>;

/// A Go release in a module cache, and how to fetch it.
#[derive(Clone, Debug)]
pub(super) struct ToolchainFetch {
    version: GoVersion,
    module: CachedModule,
    sum: ModuleSum,
    module_cache: PathBuf,
    /// The module proxy, or why there is none.
    proxy: Result<Upstream, GoFetchError>,
    patience: Duration,
}

/// Where releases come from, and where they go.
#[derive(Clone, Debug)]
pub(super) struct FetchSettings {
    pub(super) module_cache: PathBuf,
    /// The module proxy, or why there is none.
    pub(super) proxy: Result<Upstream, GoFetchError>,
    /// Time limit for the next bytes.
    pub(super) patience: Duration,
}

impl ToolchainFetch {
    pub(super) fn new(
        settings: &FetchSettings,
        version: GoVersion,
        platform: Platform,
        sum: ModuleSum,
    ) -> Self {
        let settings = settings.clone();
        Self {
            version,
            module: toolchain_module(version, &host_of(platform)),
            sum,
            module_cache: settings.module_cache,
            proxy: settings.proxy,
            patience: settings.patience,
        }
    }

    pub(super) fn version(&self) -> GoVersion {
        self.version
    }

    /// Its `go`.
    pub(super) fn program(&self) -> PathBuf {
        program(self.cache(), &self.module)
    }

    /// Whether the release is in the module cache, complete and unchanged. Reads all of it.
    pub(super) async fn is_sound(&self) -> bool {
        let own = self.clone();
        blocking(move || own.is_sound_here()).await
    }

    /// Fetches the release unless it is there. Waits for another process that fetches it.
    pub(super) async fn run(&self, progress: &Progress) -> Result<(), GoFetchError> {
        let proxy = self.proxy.clone()?;
        let lock = self.lock(progress).await?;
        let own = self.clone();
        let sound = blocking(move || {
            if own.is_sound_here() {
                return Ok(true);
            }
            own.clear().map(|()| false)
        });
        if sound.await.map_err(|error| self.local(&error))? {
            return Ok(());
        }
        let archive = self.download(proxy, progress).await?;
        self.tell(progress, FetchStep::Unpacking);
        let own = self.clone();
        blocking(move || {
            let installed = own.install(&archive);
            // The archive is removed before the lock is released.
            drop(archive);
            drop(lock);
            installed
        })
        .await
    }

    fn cache(&self) -> ModuleCache<'_> {
        ModuleCache(&self.module_cache)
    }

    fn local(&self, error: &io::Error) -> GoFetchError {
        GoFetchError::local(self.version, &self.module_cache, error)
    }

    fn tell(&self, progress: &Progress, step: FetchStep) {
        let version = self.version;
        progress.send_replace(Some(FetchProgress { version, step }));
    }

    /// The lock that `go` itself uses for the module.
    async fn lock(&self, progress: &Progress) -> Result<File, GoFetchError> {
        loop {
            let own = self.clone();
            let lock = blocking(move || own.cache().lock(&own.module)).await;
            if let Some(lock) = lock.map_err(|error| self.local(&error))? {
                return Ok(lock);
            }
            self.tell(progress, FetchStep::Waiting);
            sleep(LOCK_PAUSE).await;
        }
    }

    /// The downloaded archive, which is removed when the path is dropped.
    async fn download(
        &self,
        proxy: Upstream,
        progress: &Progress,
    ) -> Result<TempPath, GoFetchError> {
        let [_, _, path] = self.module.proxy_paths();
        let to = self.temporary_archive();
        let archive = TempPath::try_from_path(&to).map_err(|error| self.local(&error))?;
        let client = ProxyClient::new(proxy, self.patience).map_err(|error| self.local(&error))?;
        self.tell(progress, FetchStep::Fetching { done: 0, all: None });
        let on_bytes = |done, all| self.tell(progress, FetchStep::Fetching { done, all });
        match client.fetch(&path, to, &on_bytes).await {
            Ok(()) => Ok(archive),
            Err(error) => Err(GoFetchError::of_proxy(
                self.version,
                &self.module_cache,
                error,
            )),
        }
    }

    fn is_sound_here(&self) -> bool {
        let (cache, module) = (self.cache(), &self.module);
        let sum = ZIP_HASH.read_text(&cache.file(module, "ziphash"));
        cache.is_unpacked(module)
            && is_executable(&self.program())
            && sum.is_ok_and(|sum| sum.trim() == self.sum.as_str())
            && cache.is_intact(module)
    }

    /// Verifies and unpacks the archive.
    fn install(&self, archive: &Path) -> Result<(), GoFetchError> {
        let prefix = format!("{}@{}", self.module.path(), self.module.version());
        let unusable = |error| match error {
            ArchiveError::Bad(problem) => GoFetchError::BadArchive {
                version: self.version,
                problem,
            },
            ArchiveError::Local(error) => self.local(&error),
        };
        let mut archive = ToolchainArchive::open(archive, &prefix).map_err(unusable)?;
        if archive.checksum().map_err(unusable)? != self.sum {
            return Err(GoFetchError::WrongSum {
                version: self.version,
            });
        }
        let folder = self.temporary_folder();
        let unpacked = archive.unpack(&folder).map_err(unusable);
        let installed = unpacked.and_then(|()| {
            let placed = self.place(&folder);
            placed.map_err(|error| self.local(&error))
        });
        if installed.is_err()
            && let Err(error) = remove_folder(&folder)
        {
            tracing::warn!(%error, version = %self.version, "can't remove an unfinished Go release");
        }
        installed
    }

    /// Gives the unpacked folder its name, which makes it the release.
    fn place(&self, folder: &Path) -> io::Result<()> {
        let (cache, module) = (self.cache(), &self.module);
        let sum = cache.file(module, "ziphash");
        wombat_files::store_file(&sum, self.sum.as_str().as_bytes())?;
        fs::rename(folder, cache.folder(module))
    }

    /// Removes what an earlier process left of this release. The lock must be held.
    fn clear(&self) -> io::Result<()> {
        self.cache().remove_locked(&self.module)?;
        remove_folder(&self.temporary_folder())?;
        wombat_files::remove(&self.temporary_archive())
    }

    /// Where the archive is downloaded to: a name that `go` removes as well.
    fn temporary_archive(&self) -> PathBuf {
        self.cache().file(&self.module, "zip.tmp")
    }

    /// Where the archive is unpacked.
    fn temporary_folder(&self) -> PathBuf {
        let mut name = self.cache().folder(&self.module).into_os_string();
        name.push(".tmp");
        name.into()
    }
}
