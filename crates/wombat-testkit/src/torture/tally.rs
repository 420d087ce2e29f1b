//! The result of a scenario.

use std::{fmt, time::Duration};

/// Counts of one scenario; all but the first two must be 0, and the first two must be equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Builds that were accepted.
    pub acknowledged: usize,
    /// Of those, how many ended.
    pub ended: usize,
    /// Of those, how many failed although nothing was wrong with them.
    pub failed: usize,
    /// Of those, how many failed because a store was full, as their error says.
    pub failed_for_room: usize,
    /// Accepted builds without a record.
    pub lost: usize,
    /// Builds that succeeded on two builders, one after the other.
    pub double: usize,
    /// Successes whose binary can't be downloaded with its SHA-256.
    pub without_bytes: usize,
    /// Builds whose stream or log has a hole, or ends before its last line.
    pub gaps: usize,
    /// Builds that are listed twice, not at all, or at a state that isn't their newest.
    pub twice: usize,
    /// Damaged files that were used.
    pub believed: usize,
    /// Anything else that is wrong, in words.
    pub complaints: Vec<String>,
    /// How long it took.
    pub took: Duration,
    /// More figures of this scenario, in words.
    pub notes: Vec<String>,
}

impl Tally {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        let wrong = [
            self.failed,
            self.lost,
            self.double,
            self.without_bytes,
            self.gaps,
            self.twice,
            self.believed,
        ];
        self.acknowledged > 0
            && self.acknowledged == self.ended
            && wrong.iter().all(|count| *count == 0)
            && self.complaints.is_empty()
    }

    /// The heads of the columns.
    pub fn heads() -> &'static str {
        "acknowledged / ended / failed / lost / double / successes without bytes / stream gaps / listed twice / files believed"
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            self.acknowledged,
            self.ended,
            self.failed,
            self.lost,
            self.double,
            self.without_bytes,
            self.gaps,
            self.twice,
            self.believed,
        ];
        let counts = counts.map(|count| count.to_string()).join(" / ");
        write!(f, "{counts}  ({} s)", self.took.as_secs())?;
        for note in &self.notes {
            write!(f, "; {note}")?;
        }
        for complaint in &self.complaints {
            write!(f, "\n    {complaint}")?;
        }
        Ok(())
    }
}
