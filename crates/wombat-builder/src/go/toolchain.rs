//! Go toolchains: the installed one, and others that `go` itself fetches as modules.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Mutex as AsyncMutex;
use wombat_model::GoVersion;

use super::{
    classify,
    invocation::{BuildError, CompileCache, Go, Scope},
    module_cache::{CachedModule, ModuleCache},
    settings::GoSettings,
    stage::Stage,
};
use crate::relay::RelaySession;

/// The module that toolchains are versions of.
const MODULE: &str = "golang.org/toolchain";

/// A `go` of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Toolchain {
    pub(super) program: PathBuf,
    pub(super) version: GoVersion,
}

/// The toolchains of a process.
#[derive(Clone, Debug, Default)]
pub(super) struct Toolchains {
    /// Whether each was found to be what its checksum says. One build at a time looks at it, or fetches it.
    sound: Arc<Mutex<HashMap<GoVersion, Arc<AsyncMutex<bool>>>>>,
}

/// Makes the folder in the module cache that holds fetched toolchains. A sandbox shows only what is there when it is drawn up, so it
/// has to be there before the first toolchain is.
fn make_folder(module_cache: &Path) -> std::io::Result<()> {
    fs::create_dir_all(module_cache.join("golang.org"))
}

impl Toolchain {
    /// The installed one.
    pub(super) fn installed(settings: &GoSettings) -> Self {
        Self {
            program: settings.program.clone(),
            version: settings.version,
        }
    }
}

impl Toolchains {
    /// The one of this version; fetched into the module cache if it isn't there, or damaged.
    ///
    /// `go` fetches it while it switches to it: `go mod download` of the same module leaves programs that can't
    /// be run.
    pub(super) async fn of_version(
        &self,
        version: GoVersion,
        settings: &GoSettings,
        work_dir: &Path,
        scope: &Scope,
        relay: &RelaySession,
    ) -> Result<Toolchain, BuildError> {
        make_folder(&settings.module_cache)
            .map_err(|error| BuildError::local("make a folder for toolchains", &error))?;
        let installed = Toolchain::installed(settings);
        if version == installed.version {
            return Ok(installed);
        }
        let module = CachedModule::new(
            MODULE,
            format!("v0.0.1-{}.{}", version.toolchain(), settings.host),
        );
        let fetched = Toolchain {
            program: ModuleCache(&settings.module_cache)
                .folder(&module)
                .join("bin/go"),
            version,
        };
        let turn = self.turn(version);
        let mut sound = scope.limit(turn.lock()).await?;
        let look = Look {
            module_cache: settings.module_cache.clone(),
            module,
            program: fetched.program.clone(),
            trusted: *sound,
        };
        if scope.limit(look.run()).await? {
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
        if finished.succeeded() && is_executable(&fetched.program) {
            // `go` checked what it unpacked.
            *sound = true;
            return Ok(fetched);
        }
        Err(classify::fetching(&finished.stderr).into())
    }

    fn turn(&self, version: GoVersion) -> Arc<AsyncMutex<bool>> {
        // A panic while it was held leaves a toolchain that is looked at once more.
        let mut sound = self.sound.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sound.entry(version).or_default())
    }
}

/// A look at a toolchain.
struct Look {
    module_cache: PathBuf,
    module: CachedModule,
    program: PathBuf,
    /// Its files were read before.
    trusted: bool,
}

impl Look {
    /// Whether it can be used. What can't be is taken away: `go` wouldn't touch it.
    async fn run(self) -> bool {
        let looked = tokio::task::spawn_blocking(move || {
            let cache = ModuleCache(&self.module_cache);
            let whole = cache.is_unpacked(&self.module) && is_executable(&self.program);
            if whole && (self.trusted || cache.is_intact(&self.module)) {
                return true;
            }
            if cache.folder(&self.module).exists()
                && let Err(error) = cache.set_aside(&self.module)
            {
                tracing::warn!(%error, version = self.module.version(), "a damaged Go can't be set aside");
            }
            false
        });
        looked.await.unwrap_or_default()
    }
}

fn is_executable(program: &Path) -> bool {
    // `go` gives the right to run it at the end of unpacking.
    fs::metadata(program)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
