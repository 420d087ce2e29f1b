//! The result of a check.

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    Good,
    /// It works, but less well.
    Note,
    Missing,
}

/// A verdict, and a sentence on what was found and what to do.
pub(super) type Finding = (Verdict, String);
