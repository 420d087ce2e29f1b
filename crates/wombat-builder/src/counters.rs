//! The counters of a builder.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Numbers since the start; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    claims_won: AtomicU64,
    claims_lost: AtomicU64,
    recovered: AtomicU64,
}

impl Counters {
    /// Claims that this builder won.
    pub fn claims_won(&self) -> u64 {
        self.0.claims_won.load(Ordering::Relaxed)
    }

    /// Claims that another builder won.
    pub fn claims_lost(&self) -> u64 {
        self.0.claims_lost.load(Ordering::Relaxed)
    }

    /// Builds recovered from dead builders.
    pub fn recovered(&self) -> u64 {
        self.0.recovered.load(Ordering::Relaxed)
    }

    pub(crate) fn won(&self) {
        self.0.claims_won.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) {
        self.0.claims_lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn recover(&self) {
        self.0.recovered.fetch_add(1, Ordering::Relaxed);
    }
}
