//! An object store: written once, streamed from and to disk.
//!
//! The server refuses a second message under any subject, so neither an entry nor a chunk can be replaced. To remove an
//! object, its messages are purged, which only the service may do. Every writer has names of its own. All requests go to
//! the leader: replicas lag behind, and chunks that they don't have yet aren't missing.

mod chunk_group;
mod chunks;
mod copy;
mod entry;
mod links;
mod orphans;
mod read;
mod write;

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::{
    message::{PublishMessage, StreamMessage},
    stream::Stream,
};
use bytes::Bytes;
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{
    Connection, StoreError,
    complaints::Consequence,
    error::PublishFailure,
    follow::{FollowEvent, Follower, Start},
    open,
    record::{open_stream, publish},
};
pub(crate) use chunk_group::ChunkGroup;
pub use chunks::ChunkCounts;
pub(crate) use copy::Copied;
use entry::Entry;
pub use entry::StoredObject;
pub use orphans::OrphanChunks;
pub use read::ObjectReader;

/// Longest wait for the next entry of the list of objects.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// Metadata of a store that isn't complete yet.
pub(crate) const UNFINISHED: &str = "wombat-upgrade";

/// An entry, read and as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredEntry {
    pub(crate) object: StoredObject,
    pub(crate) payload: Bytes,
}

/// The entries of a store.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) entries: Vec<StoredEntry>,
    /// What is wrong with the others.
    pub(crate) unreadable: Vec<String>,
}

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
        let objects = Self::open_unfinished(connection, bucket).await?;
        let config = &objects.stream.cached_info().config;
        if config.metadata.contains_key(UNFINISHED) {
            return Err(StoreError::Unfinished(bucket));
        }
        Ok(objects)
    }

    /// The same for one that is being filled.
    pub(crate) async fn open_unfinished(
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

    fn entries_filter(&self) -> String {
        format!("$O.{}.M.>", self.bucket)
    }

    /// The object or link of this name, from the leader. A link isn't followed.
    pub async fn find(&self, name: &str) -> Result<Option<StoredObject>, StoreError> {
        let subject = entry::subject_of(self.bucket, name);
        match self.last_entry(name).await? {
            Some(message) => Entry::of_message(&subject, &message),
            None => Ok(None),
        }
    }

    /// The entry of this name as it is stored.
    async fn last_entry(&self, name: &str) -> Result<Option<StreamMessage>, StoreError> {
        open::last(&self.stream, &entry::subject_of(self.bucket, name)).await
    }

    /// Removes an object or a link. A missing one counts as removed. Of a damaged entry, the chunks are left to the
    /// removal of orphans: it may name those of another object.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let Some(entry) = self.last_entry(name).await? else {
            return Ok(());
        };
        // In this order: chunks without an entry are removed as orphans, an entry without chunks is a lost binary.
        self.purge_entry(name, entry.sequence).await?;
        match Entry::of_message(&entry::subject_of(self.bucket, name), &entry) {
            Ok(Some(object)) if object.link.is_none() => self.purge_chunks(&object.nuid).await,
            // An entry that can't be read may name the chunks of others.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Removes an entry up to this sequence; a later one of the same name stays.
    async fn purge_entry(&self, name: &str, sequence: u64) -> Result<(), StoreError> {
        let purge = self.stream.purge();
        let purge = purge.filter(entry::subject_of(self.bucket, name));
        let purged = purge.sequence(sequence + 1).await;
        purged.map_err(|error| StoreError::of(&error))?;
        Ok(())
    }

    /// A message that is only stored if its subject has none.
    fn new_message(payload: Bytes) -> PublishMessage {
        PublishMessage::build()
            .payload(payload)
            .expected_last_subject_sequence(0)
    }

    async fn publish_new(&self, subject: String, payload: Bytes) -> Result<(), StoreError> {
        let message = Self::new_message(payload);
        match publish(&self.connection, subject.clone(), message).await {
            Ok(_) => Ok(()),
            Err(PublishFailure::LostRace) => {
                let problem = format!("`{subject}` was written before");
                Err(StoreError::Refused(problem))
            }
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// All objects of the leader, links included; unreadable entries are left out.
    pub async fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let listed = self.list_entries().await?;
        Ok(listed
            .entries
            .into_iter()
            .map(|entry| entry.object)
            .collect())
    }

    /// The same, with the entries as they are stored.
    pub(crate) async fn list_entries(&self) -> Result<Listed, StoreError> {
        let mut follower = Follower::start(
            &self.connection,
            &self.stream,
            self.entries_filter(),
            Start::LastPerSubject,
        );
        let mut entries = BTreeMap::new();
        let mut unreadable = BTreeMap::new();
        loop {
            match timeout(LIST_PATIENCE, follower.next()).await {
                Ok(Some(FollowEvent::Message(message))) => {
                    let subject = message.subject;
                    entries.remove(&subject);
                    unreadable.remove(&subject);
                    match Entry::read(&subject, &message.payload, message.time) {
                        Ok(Some(object)) => {
                            let payload = message.payload;
                            entries.insert(subject, StoredEntry { object, payload });
                        }
                        Ok(None) => {}
                        Err(error) => {
                            let problem = error.to_string();
                            let complaints = &self.connection.complaints;
                            complaints.say(
                                &subject,
                                message.sequence,
                                &problem,
                                Consequence::Ignored,
                            );
                            unreadable.insert(subject, problem);
                        }
                    }
                }
                Ok(Some(FollowEvent::CompleteAfter(_))) => {}
                Ok(Some(FollowEvent::CaughtUp)) => {
                    return Ok(Listed {
                        entries: entries.into_values().collect(),
                        unreadable: unreadable.into_values().collect(),
                    });
                }
                Ok(Some(FollowEvent::Reset)) => {
                    entries.clear();
                    unreadable.clear();
                }
                Ok(None) | Err(_) => {
                    let problem = "the list of objects timed out".to_owned();
                    return Err(StoreError::Unavailable(problem));
                }
            }
        }
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
