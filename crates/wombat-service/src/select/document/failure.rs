//! Why a text can't be read.

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
