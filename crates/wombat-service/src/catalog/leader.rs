//! The leader's last release. Another instance may have stored one a moment ago and said so: "there is no such release"
//! is said only after the leader was asked.

use std::sync::Arc;

use tokio::{sync::Mutex, time::Instant};
use tracing::debug;
use wombat_store::Store;

/// The leader's last revision, and when it was requested.
#[derive(Clone, Debug, Default)]
pub(super) struct LeadersLast(Arc<Mutex<Option<(Instant, u64)>>>);

impl LeadersLast {
    /// As it was after this call. Calls at the same time share a request.
    pub(super) async fn read(&self, store: &Store) -> Option<u64> {
        let called = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((requested, revision)) = *last
            && requested >= called
        {
            return Some(revision);
        }
        let requested = Instant::now();
        match store.catalog.last_revision().await {
            Ok(revision) => {
                *last = Some((requested, revision.get()));
                Some(revision.get())
            }
            Err(error) => {
                debug!(%error, "the catalog's leader didn't respond");
                None
            }
        }
    }
}
