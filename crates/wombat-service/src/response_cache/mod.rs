//! A cache of answers for finished builds, so that repeated requests cost JetStream nothing.
//!
//! A cached answer was read from the leader, and is evicted as soon as the record changes: the bucket is followed. A
//! binary is never removed before its record says so. While changes may be missed, nothing is cached: from the loss of
//! the connection until the follower has caught up with the leader. Nothing is decided by the cache; every write reads
//! the leader.

mod memory;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::{debug, warn};
use wombat_model::{Blocklist, BuildKey};
use wombat_store::{Change, Changes, Connection, Followers, Health, Store, StoreError};

use crate::catalog::Snapshot;
use memory::Memory;
pub(crate) use memory::Ticket;

/// Wait before following the changes again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Cached answers for finished builds.
#[derive(Clone, Default)]
pub(crate) struct ResponseCache(Arc<Mutex<Memory>>);

impl std::fmt::Debug for ResponseCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseCache").finish_non_exhaustive()
    }
}

impl ResponseCache {
    /// Follows the records until `stop`; answers are cached once it has caught up.
    pub(crate) fn start(connection: &Connection, store: &Store, followers: &Followers) -> Self {
        let cache = Self::default();
        let (follower, health, store) = (cache.clone(), connection.health(), store.clone());
        let stop = followers.stop().clone();
        followers.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = follower.follow(health, &store) => {}
            }
        });
        cache
    }

    /// The answer to exactly this request, if it is cached, and was compared with this blocklist.
    pub(crate) fn repeated(&self, question: &[u8], catalog: &Arc<Snapshot>) -> Option<Bytes> {
        if catalog.blocklist_problem().is_some() {
            return None;
        }
        self.0.lock().repeated(question, catalog)
    }

    /// The answer for this build, if it is cached, and was compared with this blocklist.
    pub(crate) fn known(&self, key: &BuildKey, blocklist: &Arc<Blocklist>) -> Option<Bytes> {
        self.0.lock().known(key, blocklist)
    }

    /// To be called before reading the record whose answer may be cached.
    pub(crate) fn expect(&self, key: &BuildKey) -> Option<Ticket> {
        self.0.lock().expect(key)
    }

    /// Caches the answer for a finished build, which has its binary if it succeeded, and says what this blocklist blocks
    /// of it.
    pub(crate) fn remember_answer(
        &self,
        (key, ticket): (&BuildKey, &Ticket),
        answer: Bytes,
        compared_with: &Arc<Blocklist>,
    ) {
        let mut memory = self.0.lock();
        memory.remember_answer(key, ticket, answer, compared_with);
    }

    /// Evicts a record that was just changed here: the event of the change takes a moment longer.
    pub(crate) fn forget(&self, key: &BuildKey) {
        self.0.lock().forget(key);
    }

    /// Caches which build a request names.
    pub(crate) fn remember_question(
        &self,
        question: &[u8],
        catalog: &Arc<Snapshot>,
        key: &BuildKey,
    ) {
        self.0.lock().remember_question(question, catalog, key);
    }

    async fn follow(self, health: watch::Receiver<Health>, store: &Store) {
        let mut feeds = loop {
            match Feeds::open(health.clone(), store).await {
                Ok(feeds) => break feeds,
                Err(error) => warn!(%error, "changes can't be followed yet"),
            }
            tokio::time::sleep(RETRY).await;
        };
        loop {
            self.0.lock().close();
            let since = feeds.connected().await;
            match self.catch_up(&mut feeds, since).await {
                Ok(CatchUp::Complete) => {
                    debug!("repeated requests are answered from the cache");
                    self.0.lock().open();
                    while self.hear(&mut feeds, since).await.is_some() {}
                }
                Ok(CatchUp::Interrupted) => {}
                Err(error) => {
                    debug!(%error, "can't read the last revision of the records");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Applies every change that the leader has by now.
    async fn catch_up(&self, feeds: &mut Feeds, since: Instant) -> Result<CatchUp, StoreError> {
        let last = feeds.builds.last().await?;
        while feeds.builds.delivered() < last {
            if self.hear(feeds, since).await.is_none() {
                return Ok(CatchUp::Interrupted);
            }
        }
        Ok(CatchUp::Complete)
    }

    /// Applies one change. `None`: some may have been missed.
    async fn hear(&self, feeds: &mut Feeds, since: Instant) -> Option<()> {
        let Feeds { builds, health } = feeds;
        let change = tokio::select! {
            change = builds.next() => change,
            () = interrupted(health, since) => return None,
        };
        let Change::Of { name, .. } = change else {
            return None;
        };
        if let Some(key) = name.and_then(|name| name.parse().ok()) {
            self.forget(&key);
        }
        Some(())
    }
}

enum CatchUp {
    Complete,
    Interrupted,
}

/// The changes of the records, and the health of the connection that they come from.
struct Feeds {
    builds: Changes,
    health: watch::Receiver<Health>,
}

impl Feeds {
    async fn open(health: watch::Receiver<Health>, store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            builds: store.builds.changes().await?,
            health,
        })
    }

    /// Waits until the connection is up, and returns since when.
    async fn connected(&mut self) -> Instant {
        loop {
            if let Some(since) = self.health.borrow_and_update().connected_since {
                return since;
            }
            changed(&mut self.health).await;
        }
    }
}

/// Waits until the connection is another one than that from `since`. Safe to drop between polls.
async fn interrupted(health: &mut watch::Receiver<Health>, since: Instant) {
    while health.borrow_and_update().connected_since == Some(since) {
        changed(health).await;
    }
}

async fn changed(health: &mut watch::Receiver<Health>) {
    if health.changed().await.is_err() {
        // The connection was dropped, and the process ends.
        std::future::pending::<()>().await;
    }
}
