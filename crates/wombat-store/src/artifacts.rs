//! The `artifacts` object store: binaries, each written once under the name of its claim.

use std::{ops::Deref, path::Path};

use tokio::{fs::File, io::AsyncWriteExt};
use wombat_model::{
    ArtifactName, BuildKey, CompiledModule, Sha256, names::ARTIFACTS_BUCKET, wire::Recipe,
};

use crate::{
    Connection, Room, StoreError,
    objects::{Objects, StoredObject},
};

/// Largest recipe, in bytes: a `go.sum` has thousands of lines.
const MAX_RECIPE: u64 = 4 << 20;

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

    /// Stores a file. The caller compares the stored size and digest with those that it expects.
    pub async fn put_file(
        &self,
        name: &ArtifactName,
        path: &Path,
    ) -> Result<StoredObject, StoreError> {
        let mut file = File::open(path).await?;
        self.put(name.as_str(), &mut file).await
    }

    /// How full the store of binaries is.
    pub async fn room(&self) -> Result<Room, StoreError> {
        let (used, limit) = self.usage().await?;
        Ok(Room {
            bucket: ARTIFACTS_BUCKET,
            used,
            limit,
        })
    }

    /// The modules of a binary, as its builder recorded them in the recipe. `None`: they aren't recorded, because an
    /// earlier version stored the binary, or can't be read.
    pub async fn modules(
        &self,
        name: &ArtifactName,
    ) -> Result<Option<Vec<CompiledModule>>, StoreError> {
        let bytes = match self.bytes(&format!("{name}.recipe"), MAX_RECIPE).await {
            Ok(bytes) => bytes,
            Err(StoreError::Corrupt { .. } | StoreError::Lost(_)) => None,
            Err(error) => return Err(error),
        };
        let recipe = bytes.and_then(|bytes| serde_json::from_slice::<Recipe>(&bytes).ok());
        Ok(recipe
            .map(|recipe| recipe.modules)
            .filter(|modules| !modules.is_empty()))
    }

    /// Writes an object's bytes to a file and checks them against `expected`. `false`: there is no such object, or the
    /// leader doesn't have all of its bytes. On an error the file may hold part of it.
    pub async fn fetch(
        &self,
        name: &ArtifactName,
        expected: &Sha256,
        path: &Path,
    ) -> Result<bool, StoreError> {
        let Some(mut reader) = self.reader(name.as_str()).await? else {
            return Ok(false);
        };
        let mut file = File::create(path).await?;
        loop {
            match reader.next().await {
                Ok(Some(chunk)) => file.write_all(&chunk).await?,
                Ok(None) => break,
                Err(StoreError::Lost(_)) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        file.flush().await?;
        if reader.sha256() == *expected {
            Ok(true)
        } else {
            Err(reader.wrong_bytes())
        }
    }

    /// Links `<key>` to the binary of one claim, for `nats object get artifacts <key>`. `false`: it is linked to another
    /// one, which [`Self::move_link`] changes.
    pub async fn link(&self, key: &BuildKey, name: &ArtifactName) -> Result<bool, StoreError> {
        let target = self.target(name).await?;
        self.0.link(key.as_str(), &target).await
    }

    /// The same, and moves a link to another binary. Needs the right to purge.
    pub async fn move_link(&self, key: &BuildKey, name: &ArtifactName) -> Result<(), StoreError> {
        let target = self.target(name).await?;
        self.0.move_link(key.as_str(), &target).await
    }

    async fn target(&self, name: &ArtifactName) -> Result<StoredObject, StoreError> {
        let target = self.find(name.as_str()).await?;
        target.ok_or_else(|| StoreError::Lost(name.to_string()))
    }
}
