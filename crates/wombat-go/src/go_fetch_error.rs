//! Why a builder without an installed Go can't fetch one.

use std::{io, path::Path};

use wombat_goproxy::{FetchError, InvalidUpstream};
use wombat_model::GoVersion;

use super::{classify::excerpt, oldest_go::OLDEST_GO};

/// Why a builder without an installed Go can't fetch one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoFetchError {
    /// No module proxy is known.
    #[error(
        "there is no `go` in PATH, and no module proxy is named to fetch Go from: set --goproxy (WOMBAT_GOPROXY) or \
         GOPROXY, or install Go {OLDEST_GO} or newer"
    )]
    NoProxy,
    /// The setting of the module proxy is invalid.
    #[error("there is no `go` in PATH, and Go can't be fetched: {0}")]
    InvalidProxy(#[from] InvalidUpstream),
    /// Nothing may be fetched.
    #[error(
        "there is no `go` in PATH, and fetching it is switched off (--offline, or GOPROXY is `off`): install Go \
         {OLDEST_GO} or newer, or name the program with --go (WOMBAT_GO)"
    )]
    Offline,
    /// The list of Go releases has none for this machine.
    #[error(
        "there is no `go` in PATH, and the list of Go releases has none for {0}: install Go {OLDEST_GO} or newer"
    )]
    NoRelease(String),
    /// The proxy doesn't serve it.
    #[error("the module proxy refuses Go {version} ({status}): {words}")]
    Refused {
        /// The version.
        version: GoVersion,
        /// The status of its answer.
        status: String,
        /// Its words.
        words: String,
    },
    /// The proxy failed, or its answer was cut off.
    #[error("Go {version} can't be fetched, because the module proxy failed: {words}")]
    Unavailable {
        /// The version.
        version: GoVersion,
        /// What happened.
        words: String,
    },
    /// The archive isn't what was published.
    #[error(
        "Security: Go {version} from the module proxy doesn't match its checksum, so it isn't used; it was changed \
         after it was published"
    )]
    WrongSum {
        /// The version.
        version: GoVersion,
    },
    /// The archive can't be unpacked.
    #[error("the module proxy's archive of Go {version} can't be used: {problem}")]
    BadArchive {
        /// The version.
        version: GoVersion,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no room for it.
    #[error(
        "there is no room for Go {version} in {folder}: it needs about 400 MB; free some space, or name a folder on \
         another disk with --module-cache (WOMBAT_MODULE_CACHE)"
    )]
    Full {
        /// The version.
        version: GoVersion,
        /// The module cache.
        folder: String,
    },
    /// Another error of this machine's file system.
    #[error("can't store Go {version} in {folder}: {problem}")]
    Local {
        /// The version.
        version: GoVersion,
        /// The module cache.
        folder: String,
        /// What happened.
        problem: String,
    },
}

impl GoFetchError {
    /// An error of this machine's file system.
    pub(super) fn local(version: GoVersion, folder: &Path, error: &io::Error) -> Self {
        Self::local_kind(version, folder, error.kind(), error.to_string())
    }

    fn local_kind(version: GoVersion, folder: &Path, kind: io::ErrorKind, problem: String) -> Self {
        let folder = folder.display().to_string();
        match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { version, folder }
            }
            _ => Self::Local {
                version,
                folder,
                problem,
            },
        }
    }

    /// A failure of the module proxy, or of storing its answer.
    pub(super) fn of_proxy(version: GoVersion, folder: &Path, error: FetchError) -> Self {
        match error {
            FetchError::Rejected { status, words } => Self::Refused {
                version,
                status: status.to_string(),
                words: excerpt(&words),
            },
            FetchError::Unavailable(words) => Self::Unavailable { version, words },
            FetchError::Local { kind, words } => Self::local_kind(version, folder, kind, words),
        }
    }
}
