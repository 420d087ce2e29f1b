//! Why a module proxy gave no answer.

use std::io;

use reqwest::StatusCode;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The proxy answered with an error. The words are its own.
    #[error("it answered {status}: {words}")]
    Rejected {
        /// The status of its answer.
        status: StatusCode,
        /// The beginning of its answer's body.
        words: String,
    },
    /// The proxy failed; it may work later.
    #[error("{0}")]
    Unavailable(String),
    /// The answer can't be stored on this machine.
    #[error("can't store the answer: {words}")]
    Local {
        /// What kind of error it is, such as a full disk.
        kind: io::ErrorKind,
        /// The error's text.
        words: String,
    },
}

impl FetchError {
    /// An error of this machine.
    pub(super) fn local(error: &io::Error) -> Self {
        Self::Local {
            kind: error.kind(),
            words: error.to_string(),
        }
    }
}
