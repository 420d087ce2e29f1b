//! The `artifacts` object store: binaries, written once, streamed from and to disk.
//!
//! An object is never written a second time under its name: that would remove its chunks under whoever is reading it, and
//! the reader would wait for ever. So every claim writes under a name of its own.

use std::{collections::BTreeSet, path::Path, time::Duration};

use async_nats::jetstream::{
    self,
    object_store::{AddLinkErrorKind, InfoErrorKind, ObjectInfo, ObjectMetadata, ObjectStore},
    stream::Stream,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use futures::TryStreamExt;
use sha2::{Digest, Sha256 as Hasher};
use time::OffsetDateTime;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};
use wombat_model::{ArtifactName, BuildKey, Sha256, names::ARTIFACTS_BUCKET};

use crate::{Connection, StoreError, record::open_stream};

/// Bytes a chunk: large enough for speed, below every server's default limit on a message.
const CHUNK: usize = 512 * 1024;
/// How long a read may bring nothing before it is given up.
const IDLE: Duration = Duration::from_secs(10);

/// What the object store knows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Digest of its bytes; a link has none.
    pub sha256: Option<Sha256>,
    /// When it was written, by the writer's clock.
    pub written: Option<OffsetDateTime>,
    /// The object that it is a link to.
    pub link: Option<String>,
    /// The token that its chunks are filed under.
    nuid: String,
}

/// Finished binaries.
#[derive(Clone)]
pub struct Artifacts {
    objects: ObjectStore,
    stream: Stream,
}

impl std::fmt::Debug for Artifacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Artifacts").finish_non_exhaustive()
    }
}

impl Artifacts {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StoreError> {
        let jetstream: &jetstream::Context = connection.jetstream();
        let stream = open_stream(
            jetstream,
            &format!("OBJ_{ARTIFACTS_BUCKET}"),
            ARTIFACTS_BUCKET,
        )
        .await?;
        let objects = jetstream
            .get_object_store(ARTIFACTS_BUCKET)
            .await
            .map_err(|error| StoreError::of(&error))?;
        Ok(Self { objects, stream })
    }

    /// Stores a file. The caller compares what is stored with what it meant to store.
    pub async fn put_file(
        &self,
        name: &ArtifactName,
        path: &Path,
    ) -> Result<StoredObject, StoreError> {
        let mut file = File::open(path).await?;
        file.set_max_buf_size(CHUNK);
        self.put(name.as_str(), &mut file).await
    }

    /// Stores a few bytes beside a binary, such as its recipe.
    pub async fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<StoredObject, StoreError> {
        self.put(name, &mut std::io::Cursor::new(bytes)).await
    }

    async fn put(
        &self,
        name: &str,
        content: &mut (impl tokio::io::AsyncRead + Unpin),
    ) -> Result<StoredObject, StoreError> {
        let metadata = ObjectMetadata {
            name: name.to_owned(),
            chunk_size: Some(CHUNK),
            ..ObjectMetadata::default()
        };
        self.objects
            .put(metadata, content)
            .await
            .map_err(|error| StoreError::of(&error))?;
        self.find(name)
            .await?
            .ok_or_else(|| StoreError::corrupt(name, "it isn't there after it was stored"))
    }

    /// What is stored under this name, if anything. A link is told as one, not followed.
    pub async fn find(&self, name: &str) -> Result<Option<StoredObject>, StoreError> {
        match self.objects.info(name).await {
            Ok(info) if info.deleted => Ok(None),
            Ok(info) => Ok(Some(stored(info))),
            Err(error) if matches!(error.kind(), InfoErrorKind::NotFound) => Ok(None),
            Err(error) => Err(StoreError::of(&error)),
        }
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
            .objects
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

    /// The bytes of a small object.
    pub async fn bytes(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.find(name).await? {
            None => return Ok(None),
            Some(object) if object.size > limit => {
                return Err(StoreError::corrupt(name, "it is larger than it may be"));
            }
            Some(_) => {}
        }
        let mut object = self
            .objects
            .get(name)
            .await
            .map_err(|error| StoreError::of(&error))?;
        let mut bytes = Vec::new();
        tokio::time::timeout(IDLE, object.read_to_end(&mut bytes))
            .await
            .map_err(|_| StoreError::Unavailable(format!("`{name}` stopped coming")))?
            .map_err(|error| StoreError::corrupt(name, &error))?;
        Ok(Some(bytes))
    }

    /// Makes `<key>` lead to the binary of one claim, for `nats object get artifacts <key>`.
    pub async fn link(&self, key: &BuildKey, name: &ArtifactName) -> Result<(), StoreError> {
        let target = self
            .objects
            .info(name.as_str())
            .await
            .map_err(|error| StoreError::of(&error))?;
        match self.objects.add_link(key.as_str(), &target).await {
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

    /// Removes an object or a link. What isn't there counts as removed.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        if self.find(name).await?.is_none() {
            return Ok(());
        }
        self.objects
            .delete(name)
            .await
            .map_err(|error| StoreError::of(&error))
    }

    /// Everything that is stored, links included.
    pub async fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let list = self
            .objects
            .list()
            .await
            .map_err(|error| StoreError::of(&error))?;
        list.map_ok(stored)
            .try_collect()
            .await
            .map_err(|error| StoreError::of(&error))
    }

    /// Bytes that the bucket takes, and its limit if it has one.
    pub async fn usage(&self) -> Result<(u64, Option<u64>), StoreError> {
        let info = self
            .stream
            .get_info()
            .await
            .map_err(|error| StoreError::of(&error))?;
        Ok((info.state.bytes, u64::try_from(info.config.max_bytes).ok()))
    }

    /// Removes chunks that no object names and that are older than `age`: what broken uploads left behind.
    /// Returns how many groups of chunks were removed.
    pub async fn remove_orphan_chunks(&self, age: Duration) -> Result<usize, StoreError> {
        let prefix = format!("$O.{ARTIFACTS_BUCKET}.C.");
        // Chunks first: an upload that finishes in between then has its object in the list.
        let subjects = self
            .stream
            .info_with_subjects(format!("{prefix}>"))
            .await
            .map_err(|error| StoreError::of(&error))?;
        let subjects: Vec<(String, usize)> = subjects
            .try_collect()
            .await
            .map_err(|error| StoreError::of(&error))?;
        let named: BTreeSet<String> = self
            .list()
            .await?
            .into_iter()
            .map(|object| object.nuid)
            .collect();
        let mut removed = 0;
        for (subject, _) in subjects {
            let nuid = subject.strip_prefix(&prefix).unwrap_or(&subject);
            if named.contains(nuid) {
                continue;
            }
            let newest = self
                .stream
                .get_last_raw_message_by_subject(&subject)
                .await
                .map_err(|error| StoreError::of(&error))?;
            let idle = OffsetDateTime::now_utc() - newest.time;
            if idle > age {
                self.stream
                    .purge()
                    .filter(&subject)
                    .await
                    .map_err(|error| StoreError::of(&error))?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn stored(info: ObjectInfo) -> StoredObject {
    let digest = info
        .digest
        .as_deref()
        .and_then(|digest| digest.strip_prefix("SHA-256="));
    let sha256 = digest
        .and_then(|digest| BASE64_URL_SAFE.decode(digest).ok())
        .and_then(|digest| <[u8; 32]>::try_from(digest).ok())
        .map(Sha256::from_bytes);
    StoredObject {
        name: info.name,
        size: info.size as u64,
        sha256,
        written: info.modified,
        link: info
            .options
            .and_then(|options| options.link)
            .map(|link| link.name.unwrap_or_default()),
        nuid: info.nuid,
    }
}
