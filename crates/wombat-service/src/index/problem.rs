//! The problem of an invalid query.

use wombat_model::{Problem, ProblemCode};

pub(super) fn invalid(message: impl Into<String>) -> Problem {
    Problem::field(ProblemCode::InvalidQuery, "query", message)
}
