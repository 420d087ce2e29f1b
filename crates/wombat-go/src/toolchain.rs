//! A Go release that can be run.

use std::path::PathBuf;

use wombat_model::GoVersion;

use super::settings::GoSettings;

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
}
