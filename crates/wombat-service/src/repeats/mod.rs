//! Answers for what is finished, kept in memory, so that who asks again costs JetStream nothing.
//!
//! What is kept was read from the leader, and is forgotten as soon as the record, or an object of its build, changes:
//! both buckets are followed. While changes may be missed, nothing is kept: after the connection was lost, until both
//! followers have told what the leader had last. Nothing is decided by what is kept; whatever writes asks the leader.

mod memory;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::watch;
use tracing::{debug, warn};
use wombat_model::BuildKey;
use wombat_store::{Change, Changes, Connection, Followers, Health, Store, StoreError};

use crate::catalog::Snapshot;
use memory::Memory;
pub(crate) use memory::Ticket;

/// Wait between attempts to find out what changed.
const RETRY: Duration = Duration::from_secs(1);

/// Answers for finished builds.
#[derive(Clone, Default)]
pub(crate) struct Repeats(Arc<Mutex<Memory>>);

impl std::fmt::Debug for Repeats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repeats").finish_non_exhaustive()
    }
}

impl Repeats {
    /// Follows both buckets until `stop`; answers are kept as soon as that works.
    pub(crate) fn start(connection: &Connection, store: &Store, followers: &Followers) -> Self {
        let repeats = Self::default();
        let (follower, health, store) = (repeats.clone(), connection.health(), store.clone());
        let stop = followers.stop().clone();
        followers.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = follower.follow(health, &store) => {}
            }
        });
        repeats
    }

    /// The answer to exactly this question, if it was asked before.
    pub(crate) fn repeated(&self, question: &[u8], catalog: &Arc<Snapshot>) -> Option<Bytes> {
        self.lock().repeated(question, catalog)
    }

    /// The answer for this build.
    pub(crate) fn known(&self, key: &BuildKey) -> Option<Bytes> {
        self.lock().known(key)
    }

    /// To be called before the record is read that may be remembered.
    pub(crate) fn expect(&self, key: &BuildKey) -> Option<Ticket> {
        self.lock().expect(key)
    }

    /// Keeps the answer for a finished build, which has its binary if it succeeded.
    pub(crate) fn remember_answer(&self, key: &BuildKey, ticket: &Ticket, answer: Bytes) {
        self.lock().remember_answer(key, ticket, answer);
    }

    /// The record was just changed from here; hearing of it takes a moment longer.
    pub(crate) fn forget(&self, key: &BuildKey) {
        self.lock().forget(key);
    }

    /// Keeps which build a question names.
    pub(crate) fn remember_question(
        &self,
        question: &[u8],
        catalog: &Arc<Snapshot>,
        key: &BuildKey,
    ) {
        self.lock().remember_question(question, catalog, key);
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn follow(self, health: watch::Receiver<Health>, store: &Store) {
        let mut follower = loop {
            match Follower::open(health.clone(), store).await {
                Ok(follower) => break follower,
                Err(error) => warn!(%error, "changes can't be followed yet"),
            }
            tokio::time::sleep(RETRY).await;
        };
        loop {
            self.lock().close();
            let since = follower.connected().await;
            match self.catch_up(&mut follower, since).await {
                Ok(Told::Everything) => {
                    debug!("repeats are answered from memory");
                    self.lock().open();
                    while self.hear(&mut follower, since).await.is_some() {}
                }
                Ok(Told::Interrupted) => {}
                Err(error) => {
                    debug!(%error, "what changed last can't be found out");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Hears of everything that the leader has by now.
    async fn catch_up(&self, follower: &mut Follower, since: Instant) -> Result<Told, StoreError> {
        let last = tokio::try_join!(follower.builds.last(), follower.objects.last())?;
        while follower.builds.told() < last.0 || follower.objects.told() < last.1 {
            if self.hear(follower, since).await.is_none() {
                return Ok(Told::Interrupted);
            }
        }
        Ok(Told::Everything)
    }

    /// Hears of one change. `None`: some may have been missed.
    async fn hear(&self, follower: &mut Follower, since: Instant) -> Option<()> {
        let Follower {
            builds,
            objects,
            health,
        } = follower;
        let change = tokio::select! {
            change = builds.next() => change,
            change = objects.next() => change,
            () = interrupted(health, since) => return None,
        };
        let Change::Of { name, .. } = change else {
            return None;
        };
        // Objects are named after their build: `<key>`, `<key>/<claim>`.
        let key = name.as_deref().and_then(|name| name.split('/').next());
        if let Some(key) = key.and_then(|key| key.parse().ok()) {
            self.forget(&key);
        }
        Some(())
    }
}

enum Told {
    Everything,
    Interrupted,
}

/// Everything that changes are heard from.
struct Follower {
    builds: Changes,
    objects: Changes,
    health: watch::Receiver<Health>,
}

impl Follower {
    async fn open(health: watch::Receiver<Health>, store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            builds: store.builds.changes().await?,
            objects: store.artifacts.changes().await?,
            health,
        })
    }

    /// Waits for the connection to be up; since when it is.
    async fn connected(&mut self) -> Instant {
        loop {
            if let Some(since) = self.health.borrow_and_update().connected_since {
                return since;
            }
            changed(&mut self.health).await;
        }
    }
}

/// Waits until the connection isn't the one that was made then. Safe to drop between polls.
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
