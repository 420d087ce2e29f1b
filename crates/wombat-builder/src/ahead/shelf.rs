//! Products that nobody has asked for yet: a few, for a while.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use wombat_model::BuildKey;

use crate::go::Product;

/// Most products: each may take some hundred megabytes of disk.
const MOST: usize = 3;
/// How long one waits.
const KEPT: Duration = Duration::from_mins(10);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<VecDeque<(BuildKey, Product, Instant)>>);

impl Shelf {
    /// The oldest make room.
    pub(super) fn put(&self, key: BuildKey, product: Product) {
        let mut all = self.lock();
        all.retain(|(kept, _, _)| *kept != key);
        all.push_back((key, product, Instant::now()));
        while all.len() > MOST {
            all.pop_front();
        }
    }

    /// It isn't there any more afterwards.
    pub(super) fn take(&self, key: &BuildKey) -> Option<Product> {
        let mut all = self.lock();
        let at = all.iter().position(|(kept, _, _)| kept == key)?;
        all.remove(at).map(|(_, product, _)| product)
    }

    pub(super) fn holds(&self, key: &BuildKey) -> bool {
        self.lock().iter().any(|(kept, _, _)| kept == key)
    }

    /// Throws away what is too old.
    pub(super) fn tidy(&self) {
        self.lock().retain(|(_, _, put)| put.elapsed() < KEPT);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(BuildKey, Product, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
