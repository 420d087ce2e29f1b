//! Go toolchains: the installed one, and others that `go` itself fetches as modules.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, watch};
use wombat_model::{Failure, FailureClass, GoVersion};

use super::{
    blocking::blocking,
    classify,
    compile_cache::CompileCache,
    error::BuildError,
    go::Go,
    module_cache::{CachedModule, ModuleCache},
    scope::Scope,
    settings::GoSettings,
    stage::Stage,
    toolchain::Toolchain,
    toolchain_fetch::ToolchainFetch,
    toolchain_module::{is_executable, program, toolchain_module},
};
use wombat_goproxy::RelaySession;

/// The toolchains of a process.
#[derive(Clone, Debug, Default)]
pub(super) struct Toolchains {
    /// Whether each matches its checksum. Only one build at a time verifies or fetches it.
    sound: Arc<Mutex<HashMap<GoVersion, Arc<AsyncMutex<bool>>>>>,
}

/// Creates the folder of fetched toolchains in the module cache. A sandbox only includes folders that exist when it is
/// set up, so this one has to exist before the first toolchain does.
async fn make_folder(module_cache: &Path) -> std::io::Result<()> {
    tokio::fs::create_dir_all(module_cache.join("golang.org")).await
}

impl Toolchains {
    /// Those of a process that verified its own Go, if that was fetched.
    pub(super) fn of(settings: &GoSettings) -> Self {
        let own = settings.fetched.iter().map(ToolchainFetch::version);
        let sound = own.map(|version| (version, Arc::new(AsyncMutex::new(true))));
        Self {
            sound: Arc::new(Mutex::new(sound.collect())),
        }
    }

    /// The toolchain of this version; fetched into the module cache if it is missing or damaged.
    ///
    /// `go` itself fetches it by switching to it: after `go mod download` of the same module, its programs aren't
    /// executable.
    pub(super) async fn of_version(
        &self,
        version: GoVersion,
        settings: &GoSettings,
        work_dir: &Path,
        scope: &Scope,
        relay: &RelaySession,
    ) -> Result<Toolchain, BuildError> {
        make_folder(&settings.module_cache)
            .await
            .map_err(|error| BuildError::local("make a folder for toolchains", &error))?;
        let installed = Toolchain::installed(settings);
        let Some(module) = Self::module(version, settings) else {
            return Ok(installed);
        };
        let fetched = Toolchain {
            program: program(ModuleCache(&settings.module_cache), &module),
            version,
        };
        let turn = self.turn(version);
        let mut sound = scope.limit(turn.lock()).await?;
        let check = ToolchainCheck {
            module_cache: settings.module_cache.clone(),
            module,
            program: fetched.program.clone(),
            trusted: *sound,
        };
        if scope.limit(check.run()).await? {
            *sound = true;
            return Ok(fetched);
        }
        *sound = false;
        scope.reporter.line(format!("fetching Go {version}"));
        // The own Go can't fetch itself.
        if let Some(own) = settings
            .fetched
            .as_ref()
            .filter(|own| own.version() == version)
        {
            scope.limit(restore(own)).await??;
            *sound = true;
            return Ok(fetched);
        }
        let go = Go {
            settings,
            toolchain: &installed,
            work_dir,
            scope,
            cache: CompileCache::Folder(&settings.build_cache),
            relay,
        };
        let switch = [("GOTOOLCHAIN".to_owned(), version.toolchain().into())].into();
        let finished = go.run(Stage::Fetch, work_dir, switch, &["version"]).await?;
        let program = fetched.program.clone();
        if finished.succeeded() && blocking(move || is_executable(&program)).await {
            // `go` verified it while unpacking.
            *sound = true;
            return Ok(fetched);
        }
        Err(classify::fetching(&finished.stderr).into())
    }

    /// The module of a Go release; `None` for an installed one.
    pub(super) fn module(version: GoVersion, settings: &GoSettings) -> Option<CachedModule> {
        let is_installed = version == settings.version && settings.fetched.is_none();
        (!is_installed).then(|| toolchain_module(version, &settings.host))
    }

    /// The module of the process's own Go; `None` if that is an installed one.
    pub(super) fn own_module(settings: &GoSettings) -> Option<CachedModule> {
        Self::module(settings.version, settings)
    }

    fn turn(&self, version: GoVersion) -> Arc<AsyncMutex<bool>> {
        let mut sound = self.sound.lock();
        Arc::clone(sound.entry(version).or_default())
    }
}

/// The verification of a toolchain.
struct ToolchainCheck {
    module_cache: PathBuf,
    module: CachedModule,
    program: PathBuf,
    /// Whether it was verified before.
    trusted: bool,
}

impl ToolchainCheck {
    /// Whether it can be used. Otherwise it is removed, since `go` wouldn't replace it.
    async fn run(self) -> bool {
        blocking(move || {
            let cache = ModuleCache(&self.module_cache);
            let whole = cache.is_unpacked(&self.module) && is_executable(&self.program);
            if whole && (self.trusted || cache.is_intact(&self.module)) {
                return true;
            }
            if cache.folder(&self.module).exists()
                && let Err(error) = cache.set_aside(&self.module)
            {
                tracing::warn!(%error, version = self.module.version(), "can't remove a damaged Go toolchain");
            }
            false
        })
        .await
    }
}

/// Fetches this process's own Go once more.
async fn restore(own: &ToolchainFetch) -> Result<(), BuildError> {
    let (progress, _) = watch::channel(None);
    let fetched = own.run(&progress).await;
    fetched.map_err(|error| Failure::new(FailureClass::Infra, format!("{error}.")).into())
}
