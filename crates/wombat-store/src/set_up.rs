//! Creates everything that a store needs, and brings an older one up to date. Doing it twice changes nothing.

use std::time::Duration;

use tokio::time::Instant;
use wombat_model::names::{BUILDS_BUCKET, PUBLICATIONS_BUCKET};

use crate::{
    Connection, ProvisionOptions, StoreError,
    adopt::adopt,
    patience::{ELECTION_PATIENCE, patiently},
    provision::{Ensured, ensure, look},
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

/// What was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// Whether nothing existed before.
    pub is_new: bool,
    /// Whether the store was one of an earlier version, whose programs can't use it any more.
    pub is_upgraded: bool,
    /// Buckets and streams that were created, or whose settings were updated.
    pub changed: usize,
}

/// Creates missing buckets, updates older ones, and gives the builds of an older store their results. Waits for
/// [`ELECTION_PATIENCE`] while a cluster is electing leaders.
pub async fn provision(
    connection: &Connection,
    options: &ProvisionOptions,
) -> Result<Provisioned, ProvisionError> {
    provision_within(connection, options, ELECTION_PATIENCE).await
}

/// The same with another patience.
pub async fn provision_within(
    connection: &Connection,
    options: &ProvisionOptions,
    patience: Duration,
) -> Result<Provisioned, ProvisionError> {
    let until = Instant::now() + patience;
    let options = options.by_new_names();
    let mut streams = wanted_streams(&options);
    // Without room for it, earlier versions can go on with the buckets that they have.
    streams.sort_by_key(|stream| stream.shown != PUBLICATIONS_BUCKET);
    // It refuses before anything is changed.
    let upgrades = Box::pin(Upgrade::begin(connection, &streams, &options, until)).await?;
    let of_publications = |source| ProvisionError::Stream {
        bucket: PUBLICATIONS_BUCKET,
        source,
    };
    let left = || until.saturating_duration_since(Instant::now());
    let builds = format!("KV_{BUILDS_BUCKET}");
    let existing = patiently(connection, left(), async || look(connection, &builds).await);
    let existing = Box::pin(existing).await.map_err(of_publications)?;
    // A bucket that an older store lacks gets as many copies as the others have.
    let mut usual = existing.as_ref().map_or(1, |info| info.config.num_replicas);
    let mut changes = Provisioned {
        is_new: existing.is_none(),
        is_upgraded: !upgrades.is_empty(),
        changed: 0,
    };
    for stream in &streams {
        if let Some(upgrade) = upgrades.iter().find(|upgrade| upgrade.is_of(stream)) {
            Box::pin(upgrade.finish(connection, options.replicas, until)).await?;
        }
        let Ensured { copies, is_changed } = Box::pin(patiently(connection, left(), async || {
            ensure(connection, stream, options.replicas, usual).await
        }))
        .await
        .map_err(|source| ProvisionError::Stream {
            bucket: stream.shown,
            source,
        })?;
        usual = usual.max(copies);
        changes.changed += usize::from(is_changed);
    }
    let adopting = patiently(connection, left(), async || adopt(connection).await);
    let is_adopted = Box::pin(adopting).await;
    changes.is_upgraded |= is_adopted.map_err(of_publications)? && !changes.is_new;
    Ok(changes)
}
