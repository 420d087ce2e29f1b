//! The limits of a build.

use std::time::Duration;

/// The limits of a build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) time: Duration,
    pub(crate) memory: u64,
    pub(crate) output: u64,
    pub(crate) processes: u32,
    pub(crate) log: u64,
    pub(crate) parallelism: usize,
}
