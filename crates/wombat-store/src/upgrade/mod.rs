//! Moves the objects of an earlier version into a store in which they can't be replaced.
//!
//! A stream that holds several chunks under one subject can't be made write-once: the update would drop all but the
//! last. So its objects are copied into a second stream, the first is deleted and made anew, and they are copied back.
//! What to do next follows from the streams that exist, so that it can be continued after a crash at any point:
//!
//! | `OBJ_x` | `OBJ_x-upgrade` | next |
//! |---|---|---|
//! | of an earlier version | missing or not | copy out, seal, compare, delete `OBJ_x` |
//! | missing, or marked as unfinished | there | copy back, compare, remove the mark |
//! | write-once, without the mark | there | delete `OBJ_x-upgrade` |
//!
//! No process opens a store that has the mark.

mod copies;
mod error;
mod lock;
mod progress;
mod running;
mod steps;

use std::time::Duration;

use async_nats::jetstream::stream::Info;
use tokio::time::Instant;
use tracing::info;
use wombat_model::{
    names::{BUILDS_BUCKET, PUBLICATIONS_BUCKET},
    units::MIB,
};

use crate::{
    Connection, ProvisionOptions, StoreError, objects::UNFINISHED, patience::patiently,
    provision::look, streams::WantedStream,
};
pub use error::UpgradeError;

/// How often a step is retried while JetStream is unavailable, and the pause in between.
const MOST_FAILURES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// The upgrade of one store.
#[derive(Clone, Copy)]
pub(crate) struct Upgrade<'a> {
    wanted: &'a WantedStream,
    /// The bucket of the copy.
    copy: &'static str,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Copy the objects out, and delete the store.
    Out,
    /// Make the store anew, and copy the objects back.
    Back,
    /// Delete the copy.
    Tidy,
}

/// The store and its copy, as they are.
struct Found {
    store: Option<Info>,
    copy: Option<Info>,
}

impl<'a> Upgrade<'a> {
    /// Finds out which stores have to be upgraded, and makes room for their copies. Refuses if services or builders are
    /// running; nothing is changed then.
    pub(crate) async fn begin(
        connection: &Connection,
        streams: &'a [WantedStream],
        options: &ProvisionOptions,
        until: Instant,
    ) -> Result<Vec<Self>, UpgradeError> {
        let mut upgrades = Vec::new();
        for wanted in streams {
            let Some(copy) = wanted.copy else { continue };
            let upgrade = Self { wanted, copy };
            let left = until.saturating_duration_since(Instant::now());
            let found = patiently(connection, left, async || upgrade.look(connection).await);
            let found = found.await.map_err(UpgradeError::of(wanted.shown))?;
            if let Some(step) = found.next() {
                upgrades.push((upgrade, step, found));
            }
        }
        let moves = |step: &Step| matches!(step, Step::Out | Step::Back);
        let first = upgrades.iter().find(|(_, step, _)| moves(step));
        let first = first.map(|(Self { wanted, .. }, ..)| wanted.shown);
        let bucket = match first {
            Some(bucket) => Some(bucket),
            None => is_without_results(connection)
                .await?
                .then_some(BUILDS_BUCKET),
        };
        if let Some(bucket) = bucket
            && !options.upgrade_while_running
        {
            let running = running::until_stopped(connection, until).await;
            let running = running.map_err(UpgradeError::of(bucket))?;
            if !running.is_empty() {
                let running = running.join(", ");
                return Err(UpgradeError::Running { bucket, running });
            }
        }
        for (upgrade, step, found) in &upgrades {
            if *step == Step::Out {
                upgrade.reserve(connection, found).await?;
            }
        }
        Ok(upgrades.into_iter().map(|(upgrade, ..)| upgrade).collect())
    }

    /// Whether it is the upgrade of this stream.
    pub(crate) fn is_of(&self, stream: &WantedStream) -> bool {
        self.wanted.shown == stream.shown
    }

    /// Does all that is left.
    pub(crate) async fn finish(
        &self,
        connection: &Connection,
        replicas: Option<u8>,
        until: Instant,
    ) -> Result<(), UpgradeError> {
        let bucket = self.wanted.shown;
        let work = async {
            let mut failures = 0;
            loop {
                match self.advance(connection, replicas).await {
                    Ok(None) => return Ok(()),
                    Ok(Some(_)) => failures = 0,
                    // As during an election.
                    Err(UpgradeError::Store {
                        source: StoreError::Unavailable(problem),
                        ..
                    }) if failures < MOST_FAILURES => {
                        failures += 1;
                        info!(bucket, problem, "JetStream doesn't answer; retrying");
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        Box::pin(lock::under_lock(connection, bucket, until, work)).await?;
        info!(
            bucket,
            "upgraded: its objects can't be replaced any more; start services, builders and gateways of this version now"
        );
        Ok(())
    }

    async fn look(&self, connection: &Connection) -> Result<Found, StoreError> {
        Ok(Found {
            store: look(connection, &self.wanted.config.name).await?,
            copy: look(connection, &format!("OBJ_{}", self.copy)).await?,
        })
    }
}

impl Found {
    fn next(&self) -> Option<Step> {
        match (&self.store, &self.copy) {
            (None, None) => None,
            (None, Some(_)) => Some(Step::Back),
            (Some(store), _) if store.config.metadata.contains_key(UNFINISHED) => Some(Step::Back),
            (Some(store), copy) if WantedStream::is_write_once(&store.config) => {
                copy.as_ref().map(|_| Step::Tidy)
            }
            (Some(_), Some(_)) => Some(Step::Out),
            // With one message a subject, an update loses nothing.
            (Some(store), None) => {
                (store.state.messages != store.state.subjects_count).then_some(Step::Out)
            }
        }
    }
}

/// Whether it is a store of an earlier version, which lets builds begin without a grant.
async fn is_without_results(connection: &Connection) -> Result<bool, UpgradeError> {
    let has = async |bucket: &str| {
        let found = look(connection, &format!("KV_{bucket}")).await;
        let found = found.map_err(UpgradeError::of(BUILDS_BUCKET))?;
        Ok::<bool, UpgradeError>(found.is_some())
    };
    Ok(has(BUILDS_BUCKET).await? && !has(PUBLICATIONS_BUCKET).await?)
}

/// Bytes that a copy takes: its subjects are longer, and its entries too.
fn needed(store: &Info) -> u64 {
    store.state.bytes + store.state.messages * 256 + MIB
}
