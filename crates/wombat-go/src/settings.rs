//! The `go` to use, its caches, and its module proxy.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use wombat_child::sandbox::{Sandbox, SandboxOptions};
use wombat_goproxy::{RelayOptions, Upstream};
use wombat_model::{GoVersion, plain_text::LocalNames};

use super::{
    blocking::blocking,
    default_proxy,
    fetched_go::{self, GoOffer},
    go_fetch_error::GoFetchError,
    installed_go::{InstalledGo, find_in},
    local_names::local_names,
    settings_error::SettingsError,
    toolchain_fetch::{FetchSettings, Progress, ToolchainFetch},
};

/// Options of the Go installation.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GoOptions {
    /// Path of the `go` program; default: the one in PATH
    #[arg(long, env = "WOMBAT_GO", value_name = "PATH")]
    pub go: Option<PathBuf>,
    /// Folder of Go's compile cache; default: `go-build` in the state directory
    #[arg(long, env = "WOMBAT_GO_CACHE", value_name = "DIR")]
    pub go_cache: Option<PathBuf>,
    /// Folder of Go's module cache; default: `modules` in the state directory
    #[arg(long, env = "WOMBAT_MODULE_CACHE", value_name = "DIR")]
    pub module_cache: Option<PathBuf>,
    /// URL of the module proxy; default: the first one in `go env GOPROXY`, or in the variable GOPROXY if Go isn't
    /// installed
    #[arg(long, env = "WOMBAT_GOPROXY", value_name = "URL")]
    pub goproxy: Option<String>,
    /// Folders in which to look for `go`; default: PATH.
    #[arg(skip)]
    pub search_path: Option<OsString>,
    /// How to fetch modules
    #[command(flatten)]
    pub relay: RelayOptions,
    /// The sandbox of compilers
    #[command(flatten)]
    pub sandbox: SandboxOptions,
}

/// A working `go`, and the settings of its runs.
#[derive(Clone, Debug)]
pub struct GoSettings {
    /// The `wombat` executable, which every child runs under.
    pub helper: PathBuf,
    /// The `go` program.
    pub program: PathBuf,
    /// Its version.
    pub version: GoVersion,
    /// Its platform, as in the names of toolchain modules: `linux-amd64`.
    pub host: String,
    /// Its folder.
    pub goroot: PathBuf,
    /// How to fetch it again, if it isn't an installed one.
    pub(super) fetched: Option<ToolchainFetch>,
    /// The module proxy.
    pub proxy: Upstream,
    /// Options of the relay to it.
    pub relay: RelayOptions,
    /// The checksum database.
    pub checksum_database: String,
    /// Module cache.
    pub module_cache: PathBuf,
    /// Compile cache.
    pub build_cache: PathBuf,
    /// Folder for Go's own state: data of the checksum database.
    pub gopath: PathBuf,
    /// The sandbox of compilers.
    pub sandbox: Sandbox,
    /// Names of this machine that no client may see.
    pub names: LocalNames,
}

impl GoOptions {
    /// Finds `go` and reads its version and configuration. It runs under `helper`, the `wombat` executable.
    pub async fn installed(&self, helper: &Path) -> Result<InstalledGo, SettingsError> {
        let program = match &self.go {
            Some(program) => program.clone(),
            None => self.find().await.ok_or(SettingsError::NoGo)?,
        };
        InstalledGo::at(program, helper).await
    }

    /// The `go` in the search path.
    async fn find(&self) -> Option<PathBuf> {
        let path = self
            .search_path
            .clone()
            .or_else(|| std::env::var_os("PATH"))?;
        blocking(move || find_in(&path, "go")).await
    }

    /// Reads the version and configuration of the installed `go`; creates the folders.
    pub async fn discover(
        &self,
        state_dir: &Path,
        helper: PathBuf,
    ) -> Result<GoSettings, SettingsError> {
        let go = self.installed(&helper).await?;
        self.settings(state_dir, helper, go, None).await
    }

    /// The same, but without an installed `go` fetches one into the module cache, and tells how far it is.
    pub async fn discover_or_fetch(
        &self,
        state_dir: &Path,
        helper: PathBuf,
        offer: &GoOffer,
        progress: &Progress,
    ) -> Result<GoSettings, SettingsError> {
        match self.installed(&helper).await {
            Ok(go) => self.settings(state_dir, helper, go, None).await,
            Err(SettingsError::NoGo) => {
                let from = FetchSettings {
                    module_cache: self.module_cache(state_dir),
                    proxy: self.proxy_without_go(),
                    patience: self.relay.goproxy_patience,
                };
                let fetched = fetched_go::prepare(from, offer, progress).await;
                progress.send_replace(None);
                let fetch = fetched?;
                let go = InstalledGo::fetched(fetch.program(), &helper).await?;
                self.settings(state_dir, helper, go, Some(fetch)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn settings(
        &self,
        state_dir: &Path,
        helper: PathBuf,
        go: InstalledGo,
        fetched: Option<ToolchainFetch>,
    ) -> Result<GoSettings, SettingsError> {
        let proxy = if self.relay.offline {
            Upstream::Off
        } else {
            Upstream::from_setting(self.goproxy.as_deref().unwrap_or(go.goproxy()))?
        };
        let build_cache = self.go_cache.clone();
        let build_cache = build_cache.unwrap_or_else(|| state_dir.join("go-build"));
        let mut settings = GoSettings {
            helper,
            host: go.host(),
            goroot: go.goroot().to_owned(),
            checksum_database: go.gosumdb().to_owned(),
            program: go.program,
            version: go.version,
            fetched,
            proxy,
            relay: self.relay.clone(),
            module_cache: self.module_cache(state_dir),
            build_cache: absolute(build_cache),
            gopath: absolute(state_dir.join("gopath")),
            sandbox: Sandbox::off(),
            names: LocalNames::default(),
        };
        for path in [
            &settings.module_cache,
            &settings.build_cache,
            &settings.gopath,
        ] {
            let created = tokio::fs::create_dir_all(path).await;
            created.map_err(|source| SettingsError::Folder {
                path: path.clone(),
                source,
            })?;
        }
        let folder = absolute(state_dir.to_owned());
        settings.sandbox = self.sandbox.set_up(&settings.helper, &folder).await?;
        settings.names = local_names(&folder)
            .await
            .root(&settings.module_cache, "$GOMODCACHE")
            .root(&settings.build_cache, "$GOCACHE")
            .root(&settings.gopath, "$GOPATH")
            .root(&settings.goroot, "$GOROOT");
        Ok(settings)
    }

    /// The module proxy of a builder that can't ask `go env`.
    pub fn proxy_without_go(&self) -> Result<Upstream, GoFetchError> {
        default_proxy::without_go(self.goproxy.as_deref(), self.relay.offline)
    }

    /// The Go release that a builder with this state directory uses without an installed one, if it fetched it before.
    /// Doesn't verify it.
    pub async fn fetched_before(&self, state_dir: &Path, offer: &GoOffer) -> Option<GoVersion> {
        fetched_go::unpacked(self.module_cache(state_dir), offer.clone()).await
    }

    fn module_cache(&self, state_dir: &Path) -> PathBuf {
        let given = self.module_cache.clone();
        absolute(given.unwrap_or_else(|| state_dir.join("modules")))
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

impl GoSettings {
    /// The `bin` folder of a toolchain's `go`.
    pub(super) fn program_folder(program: &Path) -> &Path {
        program
            .parent()
            .unwrap_or_else(|| Path::new(OsStr::new("/")))
    }
}
