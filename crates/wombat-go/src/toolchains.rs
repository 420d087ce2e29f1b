//! Go toolchains: the installed one, and others that `go` itself fetches as modules.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use wombat_model::GoVersion;

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
};
use wombat_goproxy::RelaySession;

/// The module whose versions are the toolchains.
const MODULE: &str = "golang.org/toolchain";

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
            program: ModuleCache(&settings.module_cache)
                .folder(&module)
                .join("bin/go"),
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

    /// The module of a Go release; `None` for the installed one.
    pub(super) fn module(version: GoVersion, settings: &GoSettings) -> Option<CachedModule> {
        let name = || format!("v0.0.1-{}.{}", version.toolchain(), settings.host);
        (version != settings.version).then(|| CachedModule::new(MODULE, name()))
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

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn is_executable(program: &Path) -> bool {
    // `go` makes it executable at the end of unpacking.
    fs::metadata(program)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
