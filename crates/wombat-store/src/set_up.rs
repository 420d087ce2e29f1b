//! Creates everything that a store needs, and brings an older one up to date. Doing it twice changes nothing.

use std::time::Duration;

use tokio::time::Instant;
use wombat_model::names::PUBLICATIONS_BUCKET;

use crate::{
    Connection, ProvisionOptions, StoreError,
    adopt::adopt,
    patience::{ELECTION_PATIENCE, patiently},
    provision::ensure,
    streams::wanted_streams,
    upgrade::{Upgrade, UpgradeError},
};

/// A bucket can't be created or updated.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// JetStream refused, or didn't answer.
    #[error("can't create or update `{bucket}`")]
    Stream {
        /// The bucket.
        bucket: &'static str,
        /// Why.
        source: StoreError,
    },
    /// Objects of an earlier version can't be moved into a new store.
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
}

/// Creates missing buckets, updates older ones, and gives the builds of an older store their results. Waits for
/// [`ELECTION_PATIENCE`] while a cluster is electing leaders.
pub async fn provision(
    connection: &Connection,
    options: &ProvisionOptions,
) -> Result<(), ProvisionError> {
    provision_within(connection, options, ELECTION_PATIENCE).await
}

/// The same with another patience.
pub async fn provision_within(
    connection: &Connection,
    options: &ProvisionOptions,
    patience: Duration,
) -> Result<(), ProvisionError> {
    let until = Instant::now() + patience;
    let options = options.by_new_names();
    let streams = wanted_streams(&options);
    // It refuses before anything is changed.
    let upgrades = Box::pin(Upgrade::begin(connection, &streams, &options, until)).await?;
    // A bucket that an older store lacks gets as many copies as the others have.
    let mut usual = 1;
    for stream in &streams {
        if let Some(upgrade) = upgrades.iter().find(|upgrade| upgrade.is_of(stream)) {
            Box::pin(upgrade.finish(connection, options.replicas, until)).await?;
        }
        let left = until.saturating_duration_since(Instant::now());
        let copies = Box::pin(patiently(connection, left, async || {
            ensure(connection, stream, options.replicas, usual).await
        }))
        .await
        .map_err(|source| ProvisionError::Stream {
            bucket: stream.shown,
            source,
        })?;
        usual = usual.max(copies);
    }
    let left = until.saturating_duration_since(Instant::now());
    Box::pin(patiently(connection, left, async || {
        adopt(connection).await
    }))
    .await
    .map_err(|source| ProvisionError::Stream {
        bucket: PUBLICATIONS_BUCKET,
        source,
    })
}
