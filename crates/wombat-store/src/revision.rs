//! Revisions of a bucket, values with theirs, and the outcome of a write that names one.

/// Position of a write in its bucket; grows with every write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// Before every write.
    pub const ZERO: Self = Self(0);

    /// A known position, such as that of a cursor.
    pub const fn new(sequence: u64) -> Self {
        Self(sequence)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A value and the revision that it was read or written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Its revision.
    pub revision: Revision,
}

/// Outcome of a revision-checked write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written<T> {
    /// It was written.
    Won(Versioned<T>),
    /// Another write came first; nothing was changed.
    Lost,
}
