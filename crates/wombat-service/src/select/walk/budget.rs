//! What all walks of a question may do together.

use super::super::bloblang::MOST_QUERIES;

/// Most steps: aliases of aliases make a pipeline larger than its text.
pub(super) const MOST_STEPS: usize = 100_000;
/// Most calls in mappings with variables that are looked at for whether a variable is part of them.
const MOST_LOOKED_AT: usize = 500;

/// What was done, and what is left.
#[derive(Debug)]
pub(crate) struct WalkBudget {
    pub(super) steps: usize,
    /// How many more queries of mappings are checked; the rest is taken for valid.
    pub(super) queries_left: usize,
    /// How many more calls may be looked at.
    pub(super) looks_left: usize,
}

impl Default for WalkBudget {
    fn default() -> Self {
        Self {
            steps: 0,
            queries_left: MOST_QUERIES,
            looks_left: MOST_LOOKED_AT,
        }
    }
}
