//! What is measured, and how thoroughly.

use std::path::PathBuf;

use wombat_testkit::Program;

/// What every measure needs.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    /// The release build of `wombat`.
    pub(crate) wombat: PathBuf,
    /// The same, as a program that the test kit starts.
    pub(crate) program: Program,
    /// Fewer repetitions: to check that a measure works, not for published figures.
    pub(crate) quick: bool,
}

impl Bench {
    /// How often to repeat something: `times`, or once in a quick run.
    pub(crate) fn times(&self, times: usize) -> usize {
        if self.quick { 1 } else { times }
    }
}
