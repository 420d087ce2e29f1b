//! What keeps a binary from being read.

use std::io;

/// Why the contents of a binary are unknown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file can't be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The table is missing, or has an unknown format.
    #[error("the binary has no {0} in a known format")]
    Unknown(&'static str),
    /// The table of functions is larger than that of any real binary.
    #[error("the binary's table of functions has more than {limit} {what}, which is the limit")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}
