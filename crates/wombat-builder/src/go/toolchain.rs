//! Go toolchains: the installed one, and others that `go` itself fetches as modules.

use std::path::PathBuf;

use wombat_model::GoVersion;

use super::{
    classify,
    invocation::{BuildError, CompileCache, Go, Scope},
    settings::GoSettings,
    stage::Stage,
};
use crate::relay::RelaySession;

/// A `go` of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Toolchain {
    pub(super) program: PathBuf,
    pub(super) version: GoVersion,
}

impl Toolchain {
    /// The installed one.
    pub(super) fn installed(settings: &GoSettings) -> Self {
        Self {
            program: settings.program.clone(),
            version: settings.version,
        }
    }

    /// The one of this version; fetched into the module cache if it isn't there.
    ///
    /// `go` fetches it while it switches to it: `go mod download` of the same module leaves programs that can't
    /// be run.
    pub(super) async fn of_version(
        version: GoVersion,
        settings: &GoSettings,
        work_dir: &std::path::Path,
        scope: &Scope,
        relay: &RelaySession,
    ) -> Result<Self, BuildError> {
        let installed = Self::installed(settings);
        if version == installed.version {
            return Ok(installed);
        }
        let folder = format!("toolchain@v0.0.1-{}.{}", version.toolchain(), settings.host);
        let fetched = Self {
            program: settings
                .module_cache
                .join("golang.org")
                .join(folder)
                .join("bin/go"),
            version,
        };
        if fetched.program.is_file() {
            return Ok(fetched);
        }
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
        if finished.succeeded() && fetched.program.is_file() {
            return Ok(fetched);
        }
        Err(classify::fetching(&finished.stderr).into())
    }
}
