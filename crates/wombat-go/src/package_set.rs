//! Sets of packages.

/// A set of packages of one [`Packages`](super::packages::Packages).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackageSet(Vec<bool>);

impl PackageSet {
    /// The empty set of this many packages.
    pub(super) fn none_of(count: usize) -> Self {
        Self(vec![false; count])
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        self.0[index]
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().filter(|member| **member).count()
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(mine, theirs)| *mine |= *theirs);
    }

    /// Adds a package; `false` if it was in the set already.
    pub(super) fn add(&mut self, index: usize) -> bool {
        !std::mem::replace(&mut self.0[index], true)
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.0[index] = false;
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&other.0)
                .map(|(mine, theirs)| *mine && !*theirs)
                .collect(),
        )
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&other.0)
                .map(|(mine, theirs)| *mine && *theirs)
                .collect(),
        )
    }
}
