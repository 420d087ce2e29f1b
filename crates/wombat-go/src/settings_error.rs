//! Why the Go installation can't be used.

use std::path::PathBuf;

use wombat_child::sandbox::NoSandbox;
use wombat_goproxy::InvalidUpstream;
use wombat_model::GoVersion;

use super::{go_fetch_error::GoFetchError, oldest_go::OLDEST_GO};

/// The Go installation can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no `go`.
    #[error(
        "there is no `go` in PATH; install Go {OLDEST_GO} or newer, or name the program with --go (WOMBAT_GO)"
    )]
    NoGo,
    /// There is none, and none can be fetched.
    #[error(transparent)]
    NotFetched(#[from] GoFetchError),
    /// It is too old.
    #[error(
        "`{}` is Go {found}, and builders need {OLDEST_GO} or newer; install a newer one, or name it with --go (WOMBAT_GO)",
        .program.display()
    )]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        found: GoVersion,
    },
    /// It can't be used.
    #[error("`{}` can't be used: {problem}", .program.display())]
    Broken {
        /// The program.
        program: PathBuf,
        /// What happened.
        problem: String,
    },
    /// The module proxy's setting is invalid.
    #[error(transparent)]
    NoProxy(#[from] InvalidUpstream),
    /// There is no sandbox for compilers.
    #[error(transparent)]
    NoSandbox(#[from] NoSandbox),
    /// A cache folder can't be created.
    #[error("can't use the folder {}: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
