//! An object store: written once, streamed from and to disk.
//!
//! An object is never written a second time under its name: that would remove its chunks under whoever is reading it, and
//! the reader would wait for ever. So every writer has names of its own.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_nats::jetstream::{
    message::PublishMessage,
    object_store::{InfoErrorKind, ObjectInfo, ObjectStore},
    stream::Stream,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use bytes::Bytes;
use futures::{TryStreamExt, stream::FuturesOrdered};
use sha2::{Digest, Sha256 as Hasher};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::io::{AsyncRead, AsyncReadExt};
use wombat_model::Sha256;

use crate::{
    Changes, Connection, StoreError,
    record::{open_stream, publish},
};

/// Bytes a chunk: large enough for speed, below every server's default limit on a message.
pub(crate) const CHUNK: usize = 512 * 1024;
/// Chunks sent ahead of their acknowledgements: enough to hide a round trip, few enough for a replicated stream.
const CHUNKS_IN_FLIGHT: usize = 4;
/// How long a read may bring nothing before it is given up.
pub(crate) const IDLE: Duration = Duration::from_secs(10);

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

/// The objects of a bucket.
#[derive(Clone)]
pub struct Objects {
    connection: Connection,
    // Both hold what the server said of the bucket, which is large.
    pub(crate) inner: Arc<ObjectStore>,
    stream: Arc<Stream>,
    bucket: &'static str,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

impl Objects {
    pub(crate) async fn open(
        connection: &Connection,
        bucket: &'static str,
    ) -> Result<Self, StoreError> {
        let jetstream = connection.jetstream();
        let stream = open_stream(jetstream, &format!("OBJ_{bucket}"), bucket).await?;
        let inner = jetstream
            .get_object_store(bucket)
            .await
            .map_err(|error| StoreError::of(&error))?;
        Ok(Self {
            connection: connection.clone(),
            inner: Arc::new(inner),
            stream: Arc::new(stream),
            bucket,
        })
    }

    /// Stores bytes.
    pub async fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<StoredObject, StoreError> {
        self.put(name, &mut std::io::Cursor::new(bytes)).await
    }

    /// Writes chunks, then the entry that names them. The client's own `put` hides why the server refused, and
    /// waits for every chunk before it sends the next.
    pub(crate) async fn put(
        &self,
        name: &str,
        content: &mut (impl AsyncRead + Unpin),
    ) -> Result<StoredObject, StoreError> {
        let nuid = uuid::Uuid::new_v4().simple().to_string();
        let chunks_subject = format!("$O.{}.C.{nuid}", self.bucket);
        let mut hasher = Hasher::new();
        let (mut size, mut chunks) = (0_usize, 0_usize);
        let mut unacknowledged = FuturesOrdered::new();
        loop {
            let chunk = read_chunk(content).await?;
            if chunk.is_empty() {
                break;
            }
            hasher.update(&chunk);
            size += chunk.len();
            chunks += 1;
            unacknowledged.push_back(self.publish(
                chunks_subject.clone(),
                PublishMessage::build().payload(chunk),
            ));
            if unacknowledged.len() > CHUNKS_IN_FLIGHT {
                unacknowledged.try_next().await?;
            }
        }
        while unacknowledged.try_next().await?.is_some() {}

        let entry = serde_json::json!({
            "name": name,
            "bucket": self.bucket,
            "nuid": nuid,
            "size": size,
            "chunks": chunks,
            "mtime": OffsetDateTime::now_utc().format(&Rfc3339).map_err(|error| StoreError::corrupt(name, &error))?,
            "digest": format!("SHA-256={}", BASE64_URL_SAFE.encode(hasher.finalize())),
            "options": { "max_chunk_size": CHUNK },
        });
        let message = PublishMessage::build()
            .payload(entry.to_string().into())
            .header("Nats-Rollup", "sub");
        let subject = format!("$O.{}.M.{}", self.bucket, BASE64_URL_SAFE.encode(name));
        self.publish(subject, message).await?;
        self.find(name)
            .await?
            .ok_or_else(|| StoreError::corrupt(name, "it isn't there after it was stored"))
    }

    async fn publish(&self, subject: String, message: PublishMessage) -> Result<(), StoreError> {
        match publish(self.connection.jetstream(), subject, message).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// What is stored under this name, if anything. A link is told as one, not followed.
    pub async fn find(&self, name: &str) -> Result<Option<StoredObject>, StoreError> {
        match self.inner.info(name).await {
            Ok(info) if info.deleted => Ok(None),
            Ok(info) => Ok(Some(stored(info))),
            Err(error) if matches!(error.kind(), InfoErrorKind::NotFound) => Ok(None),
            Err(error) => Err(StoreError::of(&error)),
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
            .inner
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

    /// Removes an object or a link. What isn't there counts as removed.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let Some(object) = self.find(name).await? else {
            return Ok(());
        };
        let delete = async || {
            let deleted = self.inner.delete(name).await;
            deleted.map_err(|error| StoreError::of(&error))
        };
        match delete().await {
            // Even the entry that says "deleted" needs room; the chunks make it.
            Err(StoreError::Full(_)) if object.link.is_none() => {
                self.stream
                    .purge()
                    .filter(format!("$O.{}.C.{}", self.bucket, object.nuid))
                    .await
                    .map_err(|error| StoreError::of(&error))?;
                delete().await
            }
            outcome => outcome,
        }
    }

    /// Everything that is stored, links included.
    pub async fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let list = self
            .inner
            .list()
            .await
            .map_err(|error| StoreError::of(&error))?;
        list.map_ok(stored)
            .try_collect()
            .await
            .map_err(|error| StoreError::of(&error))
    }

    /// Tells which objects and links are written or removed from now on.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        let filter = format!("$O.{}.M.>", self.bucket);
        Changes::start(&self.connection, &self.stream, filter, |subject| {
            let name = BASE64_URL_SAFE.decode(subject.rsplit('.').next()?).ok()?;
            String::from_utf8(name).ok()
        })
        .await
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
        let prefix = format!("$O.{}.C.", self.bucket);
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

/// Up to [`CHUNK`] bytes; fewer only at the end.
async fn read_chunk(content: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Bytes> {
    let mut chunk = Vec::with_capacity(CHUNK);
    content.take(CHUNK as u64).read_to_end(&mut chunk).await?;
    Ok(chunk.into())
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
