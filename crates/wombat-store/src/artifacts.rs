//! The `artifacts` object store: binaries, written once under a name of their claim's own.

use std::{ops::Deref, path::Path};

use async_nats::jetstream::object_store::AddLinkErrorKind;
use sha2::{Digest, Sha256 as Hasher};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};
use wombat_model::{ArtifactName, BuildKey, Sha256, names::ARTIFACTS_BUCKET};

use crate::{
    Connection, StoreError,
    objects::{CHUNK, IDLE, Objects, StoredObject},
};

/// Finished binaries.
#[derive(Clone, Debug)]
pub struct Artifacts(Objects);

impl Deref for Artifacts {
    type Target = Objects;

    fn deref(&self) -> &Objects {
        &self.0
    }
}

impl Artifacts {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self(Objects::open(connection, ARTIFACTS_BUCKET).await?))
    }

    /// Stores a file. The caller compares what is stored with what it meant to store.
    pub async fn put_file(
        &self,
        name: &ArtifactName,
        path: &Path,
    ) -> Result<StoredObject, StoreError> {
        let mut file = File::open(path).await?;
        self.put(name.as_str(), &mut file).await
    }

    /// Writes an object's bytes to a file and checks them against `expected`. `false`: there is no such object.
    /// On an error the file may hold part of it.
    pub async fn fetch(
        &self,
        name: &ArtifactName,
        expected: &Sha256,
        path: &Path,
    ) -> Result<bool, StoreError> {
        if self.find(name.as_str()).await?.is_none() {
            return Ok(false);
        }
        let mut object = self
            .inner
            .get(name.as_str())
            .await
            .map_err(|error| StoreError::of(&error))?;
        let mut file = File::create(path).await?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = tokio::time::timeout(IDLE, object.read(&mut buffer))
                .await
                .map_err(|_| StoreError::Unavailable(format!("`{name}` stopped coming")))?
                .map_err(|error| StoreError::corrupt(name.as_str(), &error))?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            file.write_all(&buffer[..read]).await?;
        }
        file.flush().await?;
        if Sha256::from_bytes(hasher.finalize().into()) == *expected {
            Ok(true)
        } else {
            Err(StoreError::corrupt(
                name.as_str(),
                "its bytes don't have the recorded SHA-256",
            ))
        }
    }

    /// Makes `<key>` lead to the binary of one claim, for `nats object get artifacts <key>`.
    pub async fn link(&self, key: &BuildKey, name: &ArtifactName) -> Result<(), StoreError> {
        let target = self
            .inner
            .info(name.as_str())
            .await
            .map_err(|error| StoreError::of(&error))?;
        match self.inner.add_link(key.as_str(), &target).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), AddLinkErrorKind::AlreadyExists) => {
                Err(StoreError::corrupt(
                    key.as_str(),
                    "an object, not a link, stands under the build's name",
                ))
            }
            Err(error) => Err(StoreError::of(&error)),
        }
    }
}
