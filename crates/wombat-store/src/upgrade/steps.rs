//! The steps of an upgrade. Each can be repeated.

use std::collections::HashMap;

use async_nats::jetstream::{
    ErrorCode,
    stream::{Config, Info},
};
use tracing::{info, warn};
use wombat_model::units::MIB;

use super::{
    Found, Step, Upgrade, UpgradeError,
    copies::{Damaged, Pair},
    needed,
};
use crate::{
    Connection, StoreError,
    error::server_code,
    objects::{Objects, UNFINISHED},
    streams::{bytes, object_store},
};

/// Metadata of a copy: the settings of the store.
const ORIGINAL: &str = "wombat-original";
/// Metadata that the server writes.
const SERVERS_OWN: &str = "_nats.";

impl Upgrade<'_> {
    /// Makes the stream of the copy, which reserves its room.
    pub(super) async fn reserve(
        &self,
        connection: &Connection,
        found: &Found,
    ) -> Result<(), UpgradeError> {
        let bucket = self.wanted.shown;
        let failed = UpgradeError::of(bucket);
        let Some(store) = &found.store else {
            return Ok(());
        };
        let needed = needed(store);
        let jetstream = connection.jetstream();
        let reserved = if let Some(copy) = &found.copy {
            let config = Config {
                max_bytes: copy.config.max_bytes.max(bytes(needed)),
                ..copy.config.clone()
            };
            let updated = jetstream.update_stream(config).await;
            updated.map(drop).map_err(|error| StoreError::of(&error))
        } else {
            let config = self.copy_config(&store.config, needed).map_err(failed)?;
            match jetstream.create_stream(config).await {
                Ok(_) => Ok(()),
                // Another process was faster.
                Err(error) if server_code(&error) == Some(ErrorCode::STREAM_NAME_EXIST) => Ok(()),
                Err(error) => Err(StoreError::of(&error)),
            }
        };
        match reserved {
            Ok(()) => {}
            Err(source @ (StoreError::Full(_) | StoreError::Refused(_))) => {
                return Err(UpgradeError::NoRoom {
                    bucket,
                    needed,
                    source,
                });
            }
            Err(error) => return Err(failed(error)),
        }
        info!(
            bucket,
            "its {} MiB are copied out and back, so that its objects can't be replaced; meanwhile this takes {} MiB more",
            store.state.bytes.div_ceil(MIB),
            needed.div_ceil(MIB)
        );
        Ok(())
    }

    fn copy_config(&self, store: &Config, needed: u64) -> Result<Config, StoreError> {
        let original = serde_json::to_string(store)
            .map_err(|error| StoreError::corrupt(self.wanted.shown, &error))?;
        let copy = object_store(self.copy, "A copy of objects, while they are upgraded.");
        Ok(Config {
            max_bytes: bytes(needed),
            num_replicas: store.num_replicas,
            placement: store.placement.clone(),
            metadata: HashMap::from([(ORIGINAL.to_owned(), original)]),
            ..copy.config
        })
    }

    /// Does the next step; `None`: there is none.
    pub(super) async fn advance(
        &self,
        connection: &Connection,
        replicas: Option<u8>,
    ) -> Result<Option<Step>, UpgradeError> {
        let failed = UpgradeError::of(self.wanted.shown);
        let found = self.look(connection).await.map_err(failed)?;
        let Some(step) = found.next() else {
            return Ok(None);
        };
        match step {
            Step::Out => self.move_out(connection, &found).await?,
            Step::Back => self.move_back(connection, &found, replicas).await?,
            Step::Tidy => delete(connection, self.copy).await.map_err(failed)?,
        }
        Ok(Some(step))
    }

    async fn move_out(&self, connection: &Connection, found: &Found) -> Result<(), UpgradeError> {
        let bucket = self.wanted.shown;
        let failed = UpgradeError::of(bucket);
        let Some(store) = &found.store else {
            return Ok(());
        };
        if found.copy.is_none() {
            self.reserve(connection, found).await?;
        }
        let (source, target) = self.open(connection).await.map_err(failed)?;
        let pair = Pair {
            source: &source,
            target: &target,
            bucket,
            step: "copying out",
        };
        pair.copy().await?;
        // From here on nothing can be added to it.
        if !store.config.sealed {
            let sealed = Config {
                sealed: true,
                ..store.config.clone()
            };
            let updated = connection.jetstream().update_stream(sealed).await;
            updated.map_err(|error| failed(StoreError::of(&error)))?;
        }
        let damaged = pair.copy().await?;
        pair.compare(&damaged).await?;
        // The lock keeps others from having replaced it; this is the belt.
        let now = self.look(connection).await.map_err(failed)?;
        if now.store.is_none_or(|now| now.created != store.created) {
            return Err(UpgradeError::Locked(bucket));
        }
        delete(connection, bucket).await.map_err(failed)
    }

    async fn move_back(
        &self,
        connection: &Connection,
        found: &Found,
        replicas: Option<u8>,
    ) -> Result<(), UpgradeError> {
        let bucket = self.wanted.shown;
        let failed = UpgradeError::of(bucket);
        if let Some(copy) = &found.copy {
            if found.store.is_none() {
                let config = self.new_config(copy, replicas);
                let created = connection.jetstream().create_stream(config).await;
                created.map_err(|error| failed(StoreError::of(&error)))?;
            }
            let (target, source) = self.open(connection).await.map_err(failed)?;
            let pair = Pair {
                source: &source,
                target: &target,
                bucket,
                step: "copying back",
            };
            let damaged = pair.copy().await?;
            if let Some(name) = damaged.into_iter().next() {
                return Err(UpgradeError::Differs { bucket, name });
            }
            pair.compare(&Damaged::new()).await?;
        } else {
            warn!(bucket, "its copy is gone; it stays as it is");
        }
        let now = self.look(connection).await.map_err(failed)?;
        let Some(store) = now.store else {
            return Err(UpgradeError::Locked(bucket));
        };
        let mut config = store.config;
        config.metadata.remove(UNFINISHED);
        let updated = connection.jetstream().update_stream(config).await;
        updated
            .map(drop)
            .map_err(|error| failed(StoreError::of(&error)))
    }

    /// The settings of the new store: those that an operator chose are kept.
    fn new_config(&self, copy: &Info, replicas: Option<u8>) -> Config {
        let original = copy.config.metadata.get(ORIGINAL);
        let original = original.and_then(|json| serde_json::from_str::<Config>(json).ok());
        let config = match original {
            Some(original) => self.wanted.mended(&original, replicas),
            None => self.wanted.created(replicas, 1),
        };
        let kept = config.metadata.into_iter();
        let mut metadata: HashMap<String, String> = kept
            .filter(|(name, _)| !name.starts_with(SERVERS_OWN))
            .collect();
        metadata.insert(UNFINISHED.to_owned(), "objects are being copied".to_owned());
        Config {
            sealed: false,
            deny_delete: false,
            deny_purge: false,
            metadata,
            ..config
        }
    }

    /// The store and its copy.
    async fn open(&self, connection: &Connection) -> Result<(Objects, Objects), StoreError> {
        Ok((
            Objects::open_unfinished(connection, self.wanted.shown).await?,
            Objects::open_unfinished(connection, self.copy).await?,
        ))
    }
}

async fn delete(connection: &Connection, bucket: &str) -> Result<(), StoreError> {
    let deleted = connection
        .jetstream()
        .delete_stream(format!("OBJ_{bucket}"));
    deleted.await.map_err(|error| StoreError::of(&error))?;
    Ok(())
}
