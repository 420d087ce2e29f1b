//! Why a text can't be read.

/// A problem of the parser itself.
pub(crate) const PANICKED: &str = "this part can't be parsed";

/// A problem, and its offset in the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) offset: usize,
    pub(super) problem: String,
}

impl Failure {
    pub(super) fn new(offset: usize, problem: impl Into<String>) -> Self {
        Self {
            offset,
            problem: problem.into(),
        }
    }
}
