//! Copies an object from another store, each chunk under a subject of its own. An interrupted copy is continued: what is
//! there already is the same, because the subjects of a copy depend on its source alone.

use futures::{TryStreamExt as _, stream::FuturesOrdered};
use serde_json::{Map, Value};

use super::{ChunkGroup, Objects, StoredEntry, StoredObject, entry, write::CHUNKS_IN_FLIGHT};
use crate::{StoreError, error::PublishFailure, record::publish};

/// The owner of the chunks of copies: no role may write there.
const OWNER: &str = "service";

/// Outcome of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// All of it was copied.
    Whole,
    /// The source lacks bytes, or has wrong ones; nothing was copied.
    Damaged(String),
}

impl Objects {
    /// Copies an object or a link. Its entry names `bucket` as its store.
    pub(crate) async fn copy_from(
        &self,
        source: &Self,
        found: &StoredEntry,
        bucket: &str,
    ) -> Result<Copied, StoreError> {
        let StoredEntry { object, payload } = found;
        let name = &object.name;
        let corrupt = |error: serde_json::Error| StoreError::corrupt(name, &error);
        // Other clients write fields that we don't know.
        let mut json: Map<String, Value> = serde_json::from_slice(payload).map_err(corrupt)?;
        json.insert("bucket".to_owned(), bucket.into());
        if object.link.is_some() {
            if object.nuid.is_empty() {
                let own = uuid::Uuid::new_v4().simple().to_string();
                json.insert("nuid".to_owned(), own.into());
            }
        } else {
            let group = ChunkGroup::named_by(&object.nuid)
                .unwrap_or_else(|| ChunkGroup::of_copy(OWNER, name, &object.nuid));
            match self.copy_chunks(source, object, &group).await {
                Ok(chunks) => {
                    json.insert("nuid".to_owned(), group.nuid().into());
                    json.insert("chunks".to_owned(), chunks.into());
                }
                Err(error @ (StoreError::Lost(_) | StoreError::Corrupt { .. })) => {
                    self.purge_chunks(&group.nuid()).await?;
                    return Ok(Copied::Damaged(error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        let json = serde_json::to_vec(&json).map_err(corrupt)?;
        self.replace_entry(name, json.into()).await?;
        Ok(Copied::Whole)
    }

    /// Returns the number of chunks.
    async fn copy_chunks(
        &self,
        source: &Self,
        object: &StoredObject,
        group: &ChunkGroup,
    ) -> Result<u64, StoreError> {
        let mut reader = source.reader_of(object.clone());
        let mut unacknowledged = FuturesOrdered::new();
        let mut chunks = 0;
        while let Some(chunk) = reader.next().await? {
            let subject = self.chunks_subject(&group.chunk(chunks));
            chunks += 1;
            let message = Self::new_message(chunk);
            unacknowledged.push_back(async {
                match publish(&self.connection, subject, message).await {
                    Ok(_) | Err(PublishFailure::LostRace) => Ok(()),
                    Err(failure) => Err(failure.into_unchecked()),
                }
            });
            if unacknowledged.len() > CHUNKS_IN_FLIGHT {
                unacknowledged.try_next().await?;
            }
        }
        while unacknowledged.try_next().await?.is_some() {}
        if !reader.is_as_promised() {
            return Err(reader.wrong_bytes());
        }
        if self.chunks_of(&group.nuid()).await? != chunks {
            let problem = format!("chunks of `{}` went missing", object.name);
            return Err(StoreError::Unavailable(problem));
        }
        Ok(chunks)
    }

    /// Writes an entry in the place of what an earlier copy left.
    async fn replace_entry(&self, name: &str, payload: bytes::Bytes) -> Result<(), StoreError> {
        if let Some(there) = self.last_entry(name).await? {
            self.purge_entry(name, there.sequence).await?;
        }
        let subject = entry::subject_of(self.bucket, name);
        self.publish_new(subject, payload).await
    }

    /// Reads an object to its end. `false`: it lacks bytes, or has wrong ones.
    pub(crate) async fn reads_back(&self, object: &StoredObject) -> Result<bool, StoreError> {
        let mut reader = self.reader_of(object.clone());
        loop {
            match reader.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(reader.is_as_promised()),
                Err(StoreError::Lost(_) | StoreError::Corrupt { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}
