//! Products of builds ahead that no client has requested yet.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};
use wombat_go::Product;
use wombat_model::BuildKey;

/// Most products: each may take hundreds of megabytes of disk.
const MOST: usize = 3;
/// How long a product is kept.
const KEPT: Duration = Duration::from_mins(10);

/// The current build ahead, and whether a claim waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Underway {
    pub(crate) key: Option<BuildKey>,
    /// Whether a claim waits for it.
    pub(crate) joined: bool,
}

/// Finished and current builds ahead, for the worker that wins a claim.
#[derive(Debug, Default)]
pub(crate) struct Prebuilt {
    pub(crate) shelf: Shelf,
    pub(crate) underway: watch::Sender<Underway>,
}

/// A build ahead that runs until this is dropped. It may end by a panic, or be dropped: a claim that waits for it must
/// not wait forever.
#[derive(Debug)]
#[must_use = "the build is under way for as long as this lives"]
pub(crate) struct Begun<'a>(&'a watch::Sender<Underway>);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.send_replace(Underway::default());
    }
}

impl Prebuilt {
    /// Announces a build ahead. Its product must be on the shelf before the returned guard is dropped.
    pub(crate) fn begin(&self, key: BuildKey) -> Begun<'_> {
        self.underway.send_replace(Underway {
            key: Some(key),
            joined: false,
        });
        Begun(&self.underway)
    }

    /// The product of this build, after waiting for it if the build runs. `None` if there is none, so that the claim
    /// has to build.
    pub(crate) async fn take(&self, key: &BuildKey) -> Option<Product> {
        let mut underway = self.underway.subscribe();
        loop {
            if let Some(product) = self.shelf.take(key) {
                return Some(product);
            }
            if underway.borrow_and_update().key.as_ref() != Some(key) {
                // It may have been finished in between.
                return self.shelf.take(key);
            }
            self.underway.send_if_modified(|now| {
                let ours = now.key.as_ref() == Some(key) && !now.joined;
                now.joined |= ours;
                ours
            });
            let over = underway.wait_for(|now| now.key.as_ref() != Some(key));
            if over.await.is_err() {
                // No further build can finish.
                return self.shelf.take(key);
            }
        }
    }
}

/// Finished products, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<VecDeque<(BuildKey, Product, Instant)>>);

impl Shelf {
    /// Adds a product; removes the oldest if there are too many.
    pub(crate) fn put(&self, key: BuildKey, product: Product) {
        let mut all = self.0.lock();
        all.retain(|(kept, _, _)| *kept != key);
        all.push_back((key, product, Instant::now()));
        while all.len() > MOST {
            all.pop_front();
        }
    }

    /// Removes and returns a product.
    pub(crate) fn take(&self, key: &BuildKey) -> Option<Product> {
        let mut all = self.0.lock();
        let at = all.iter().position(|(kept, _, _)| kept == key)?;
        all.remove(at).map(|(_, product, _)| product)
    }

    pub(crate) fn holds(&self, key: &BuildKey) -> bool {
        self.0.lock().iter().any(|(kept, _, _)| kept == key)
    }

    /// Removes products that are too old.
    pub(crate) fn tidy(&self) {
        self.0.lock().retain(|(_, _, put)| put.elapsed() < KEPT);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::timeout;
    use wombat_testkit::a_spec;

    use super::*;

    /// More time than any test takes.
    const LIMIT: Duration = Duration::from_secs(10);

    async fn until(prebuilt: &Prebuilt, condition: impl FnMut(&Underway) -> bool) {
        let mut underway = prebuilt.underway.subscribe();
        drop(underway.wait_for(condition).await);
    }

    async fn panic_once_a_claim_waits(prebuilt: Arc<Prebuilt>, key: BuildKey) {
        let _begun = prebuilt.begin(key);
        until(&prebuilt, |now| now.joined).await;
        panic!("building ahead breaks down");
    }

    #[tokio::test]
    async fn a_claim_goes_on_alone_when_building_ahead_panics() {
        let prebuilt = Arc::new(Prebuilt::default());
        let key = a_spec().build().key();
        let ahead = tokio::spawn(panic_once_a_claim_waits(Arc::clone(&prebuilt), key.clone()));
        until(&prebuilt, |now| now.key.is_some()).await;
        let taken = timeout(LIMIT, prebuilt.take(&key)).await;
        assert!(taken.expect("the claim waits for ever").is_none());
        assert!(ahead.await.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn a_claim_goes_on_alone_when_building_ahead_is_dropped() {
        let prebuilt = Prebuilt::default();
        let key = a_spec().build().key();
        let begun = prebuilt.begin(key.clone());
        let dropping = async {
            until(&prebuilt, |now| now.joined).await;
            drop(begun);
        };
        let taking = timeout(LIMIT, prebuilt.take(&key));
        let (taken, ()) = tokio::join!(taking, dropping);
        assert!(taken.expect("the claim waits for ever").is_none());
        assert_eq!(*prebuilt.underway.borrow(), Underway::default());
    }
}
