//! An object store: written once, streamed from and to disk.
//!
//! An object is never written a second time under its name: that would remove its chunks under a reader, which would
//! wait in vain. So every writer has names of its own. All requests go to the leader: replicas lag behind, and chunks
//! that they don't have yet aren't missing.

mod entry;
mod nuid;
mod orphans;
mod read;
mod write;

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::{
    message::PublishMessage,
    stream::{LastRawMessageErrorKind, Stream},
};
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{
    Changes, Connection, StoreError,
    complaints::Consequence,
    follow::{FollowEvent, Follower, Start},
    record::{open_stream, publish},
};
pub use entry::StoredObject;
use entry::{Entry, Link, Options};
pub use orphans::OrphanChunks;
pub use read::ObjectReader;

/// Longest wait for the next entry of the list of objects.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// The objects of a bucket.
#[derive(Clone)]
pub struct Objects {
    connection: Connection,
    stream: Stream,
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
        let name = format!("OBJ_{bucket}");
        Ok(Self {
            connection: connection.clone(),
            stream: open_stream(connection.jetstream(), &name, bucket).await?,
            bucket,
        })
    }

    fn stream_name(&self) -> String {
        format!("OBJ_{}", self.bucket)
    }

    fn chunks_subject(&self, nuid: &str) -> String {
        format!("$O.{}.C.{nuid}", self.bucket)
    }

    fn entries_filter(&self) -> String {
        format!("$O.{}.M.>", self.bucket)
    }

    /// The object or link of this name, from the leader. A link isn't followed.
    pub async fn find(&self, name: &str) -> Result<Option<StoredObject>, StoreError> {
        let subject = entry::subject_of(self.bucket, name);
        match self.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Entry::read(&subject, &message.payload, message.time),
            Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => {
                Ok(None)
            }
            Err(error) => Err(StoreError::of(&error)),
        }
    }

    /// Whether the leader has the object and all of its chunks.
    pub async fn is_whole(&self, name: &str) -> Result<bool, StoreError> {
        match self.find(name).await? {
            Some(object) => Ok(self.chunks_of(&object.nuid).await? == object.chunks),
            None => Ok(false),
        }
    }

    /// How many chunks of an object the leader has.
    async fn chunks_of(&self, nuid: &str) -> Result<u64, StoreError> {
        let filter = self.chunks_subject(nuid);
        let subjects = self
            .connection
            .stream_subjects(&self.stream_name(), &filter)
            .await?;
        Ok(subjects.counts.values().sum())
    }

    /// How many chunks the leader has, by the token in their subjects.
    pub async fn chunk_counts(&self) -> Result<ChunkCounts, StoreError> {
        let prefix = self.chunks_subject("");
        let subjects = self
            .connection
            .stream_subjects(&self.stream_name(), &format!("{prefix}>"))
            .await?;
        let by_nuid = subjects.counts.into_iter().filter_map(|(subject, count)| {
            Some((subject.strip_prefix(&prefix)?.to_owned(), count))
        });
        Ok(ChunkCounts(by_nuid.collect()))
    }

    /// Removes an object or a link. A missing one counts as removed. Of a damaged entry, the chunks are left to the
    /// removal of orphans: it may name those of another object.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let object = match self.find(name).await {
            Ok(Some(object)) => object,
            Ok(None) => return Ok(()),
            Err(StoreError::Corrupt { .. }) => return self.mark_deleted(name, "").await,
            Err(error) => return Err(error),
        };
        match self.mark_deleted(name, &object.nuid).await {
            // Even the entry that marks the deletion needs room; removing the chunks makes it.
            Err(StoreError::Full(_)) if object.link.is_none() => {
                self.purge_chunks(&object.nuid).await?;
                self.mark_deleted(name, &object.nuid).await
            }
            Ok(()) if object.link.is_none() => self.purge_chunks(&object.nuid).await,
            outcome => outcome,
        }
    }

    async fn mark_deleted(&self, name: &str, nuid: &str) -> Result<(), StoreError> {
        self.write_entry(&Entry {
            name: name.to_owned(),
            bucket: self.bucket.to_owned(),
            nuid: nuid.to_owned(),
            mtime: entry::time_text(self.connection.server_time()),
            deleted: true,
            ..Entry::default()
        })
        .await
    }

    async fn purge_chunks(&self, nuid: &str) -> Result<(), StoreError> {
        let purge = self.stream.purge().filter(self.chunks_subject(nuid));
        purge.await.map_err(|error| StoreError::of(&error))?;
        Ok(())
    }

    /// Links `name` to an object.
    pub(crate) async fn link(&self, name: &str, target: &StoredObject) -> Result<(), StoreError> {
        if self
            .find(name)
            .await?
            .is_some_and(|there| there.link.is_none())
        {
            let problem = "an object, not a link, has the build's name";
            return Err(StoreError::corrupt(name, problem));
        }
        self.write_entry(&Entry {
            name: name.to_owned(),
            bucket: self.bucket.to_owned(),
            nuid: uuid::Uuid::new_v4().simple().to_string(),
            mtime: entry::time_text(self.connection.server_time()),
            digest: target
                .sha256
                .as_ref()
                .map(|sha256| entry::digest(sha256.to_bytes())),
            options: Some(Options {
                link: Some(Link {
                    name: Some(target.name.clone()),
                    bucket: self.bucket.to_owned(),
                }),
                max_chunk_size: None,
            }),
            ..Entry::default()
        })
        .await
    }

    async fn write_entry(&self, entry: &Entry) -> Result<(), StoreError> {
        let message = PublishMessage::build()
            .payload(entry.to_json()?)
            .header("Nats-Rollup", "sub");
        self.publish(entry::subject_of(self.bucket, &entry.name), message)
            .await
    }

    async fn publish(&self, subject: String, message: PublishMessage) -> Result<(), StoreError> {
        match publish(&self.connection, subject, message).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// All objects of the leader, links included; unreadable entries are left out.
    pub async fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let mut follower = Follower::start(
            &self.connection,
            &self.stream,
            self.entries_filter(),
            Start::LastPerSubject,
        );
        let mut objects = BTreeMap::new();
        loop {
            match timeout(LIST_PATIENCE, follower.next()).await {
                Ok(Some(FollowEvent::Message(message))) => {
                    match Entry::read(&message.subject, &message.payload, message.time) {
                        Ok(Some(object)) => drop(objects.insert(message.subject, object)),
                        Ok(None) => drop(objects.remove(&message.subject)),
                        Err(error) => {
                            let problem = error.to_string();
                            self.connection.complaints.say(
                                &message.subject,
                                message.sequence,
                                &problem,
                                Consequence::Ignored,
                            );
                        }
                    }
                }
                Ok(Some(FollowEvent::CompleteAfter(_))) => {}
                Ok(Some(FollowEvent::CaughtUp)) => return Ok(objects.into_values().collect()),
                Ok(Some(FollowEvent::Reset)) => objects.clear(),
                Ok(None) | Err(_) => {
                    let problem = "the list of objects timed out".to_owned();
                    return Err(StoreError::Unavailable(problem));
                }
            }
        }
    }

    /// Follows which objects and links are written or removed from now on.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        let filter = self.entries_filter();
        Changes::start(&self.connection, &self.stream, filter, entry::name_of).await
    }

    /// The time of the server that leads the bucket.
    pub async fn now(&self) -> Result<OffsetDateTime, StoreError> {
        let info = self.connection.stream_info(&self.stream_name()).await?;
        Ok(info.now(&self.connection))
    }

    /// Bytes that the bucket uses, and its limit if it has one.
    pub async fn usage(&self) -> Result<(u64, Option<u64>), StoreError> {
        let info = self.connection.stream_info(&self.stream_name()).await?;
        Ok(info.usage())
    }
}

/// Chunks that the leader had at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkCounts(BTreeMap<String, u64>);

impl ChunkCounts {
    /// Whether they include all chunks of an object.
    pub fn are_all_of(&self, object: &StoredObject) -> bool {
        self.0.get(&object.nuid).copied().unwrap_or(0) >= object.chunks
    }
}
