//! Creates a bucket or stream, or updates an older one.

use async_nats::jetstream::{self, stream::Info};
use tracing::info;

use crate::{Connection, StoreError, error::server_code, streams::WantedStream};

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

/// A stream that is as it is to be.
pub(crate) struct Ensured {
    pub(crate) copies: usize,
    /// Whether it was created or updated.
    pub(crate) is_changed: bool,
}

/// Creates a stream, with `usual` copies if `replicas` doesn't say otherwise, or updates it.
pub(crate) async fn ensure(
    connection: &Connection,
    wanted: &WantedStream,
    replicas: Option<u8>,
    usual: usize,
) -> Result<Ensured, StoreError> {
    let jetstream = connection.jetstream();
    if replicas.is_some_and(|replicas| replicas > 1) && !connection.is_clustered() {
        return Err(StoreError::Refused(
            "more than one copy needs a cluster of nats-servers, but this is a single server; remove --replicas".to_owned(),
        ));
    }
    let Some(existing) = look(connection, &wanted.config.name).await? else {
        let config = wanted.created(replicas, usual);
        let copies = config.num_replicas;
        jetstream
            .create_stream(config)
            .await
            .map_err(|error| StoreError::of(&error))?;
        info!(bucket = wanted.shown, "created");
        return Ok(Ensured {
            copies,
            is_changed: true,
        });
    };
    let existing = existing.config;
    let config = wanted.mended(&existing, replicas);
    let copies = config.num_replicas;
    if config == existing {
        return Ok(Ensured {
            copies,
            is_changed: false,
        });
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
    Ok(Ensured {
        copies,
        is_changed: true,
    })
}
