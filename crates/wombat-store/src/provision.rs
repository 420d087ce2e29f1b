//! Creates the buckets and the stream, and updates older ones. Doing it twice changes nothing.

use std::time::Duration;

use async_nats::jetstream::{self, stream::Info};
use tokio::time::Instant;
use tracing::info;

use crate::{
    Connection, ProvisionOptions, StoreError,
    error::server_code,
    patience::{ELECTION_PATIENCE, patiently},
    streams::{WantedStream, wanted_streams},
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

/// Creates missing buckets and updates older ones. Waits for [`ELECTION_PATIENCE`] while a cluster is electing leaders.
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
    for stream in &streams {
        if let Some(upgrade) = upgrades.iter().find(|upgrade| upgrade.is_of(stream)) {
            Box::pin(upgrade.finish(connection, options.replicas, until)).await?;
        }
        let left = until.saturating_duration_since(Instant::now());
        Box::pin(patiently(connection, left, async || {
            ensure(connection, stream, options.replicas).await
        }))
        .await
        .map_err(|source| ProvisionError::Stream {
            bucket: stream.shown,
            source,
        })?;
    }
    Ok(())
}

/// The info of a stream; `None`: there is none of this name.
pub(crate) async fn look(connection: &Connection, name: &str) -> Result<Option<Info>, StoreError> {
    match connection.jetstream().get_stream(name).await {
        Ok(stream) => Ok(Some(stream.cached_info().clone())),
        Err(error) if server_code(&error) == Some(jetstream::ErrorCode::STREAM_NOT_FOUND) => {
            Ok(None)
        }
        Err(error) => Err(StoreError::of(&error)),
    }
}

async fn ensure(
    connection: &Connection,
    wanted: &WantedStream,
    replicas: Option<u8>,
) -> Result<(), StoreError> {
    let jetstream = connection.jetstream();
    if replicas.is_some_and(|replicas| replicas > 1) && !connection.is_clustered() {
        return Err(StoreError::Refused(
            "more than one copy needs a cluster of nats-servers, but this is a single server; remove --replicas".to_owned(),
        ));
    }
    let Some(existing) = look(connection, &wanted.config.name).await? else {
        jetstream
            .create_stream(wanted.created(replicas))
            .await
            .map_err(|error| StoreError::of(&error))?;
        info!(bucket = wanted.shown, "created");
        return Ok(());
    };
    let existing = existing.config;
    let config = wanted.mended(&existing, replicas);
    if config == existing {
        return Ok(());
    }
    let updated = jetstream.update_stream(&config).await;
    let refused = updated.map_err(|error| StoreError::of(&error));
    match refused {
        // Older servers can't change the number of consumers.
        Err(StoreError::Refused(_)) if config.max_consumers != existing.max_consumers => {
            let config = jetstream::stream::Config {
                max_consumers: existing.max_consumers,
                ..config
            };
            let updated = jetstream.update_stream(&config).await;
            updated.map_err(|error| StoreError::of(&error))?;
        }
        refused => drop(refused?),
    }
    info!(bucket = wanted.shown, "updated");
    Ok(())
}
