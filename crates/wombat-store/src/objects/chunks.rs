//! How many chunks of each object the leader has.

use std::collections::BTreeMap;

use super::{Objects, StoredObject, chunk_group::nuid_of};
use crate::StoreError;

impl Objects {
    pub(crate) fn chunks_subject(&self, chunk: &str) -> String {
        format!("$O.{}.C.{chunk}", self.bucket)
    }

    /// Whether the leader has the object and all of its chunks. More chunks, which its owner may add, change nothing: it is
    /// read up to its size.
    pub async fn is_whole(&self, name: &str) -> Result<bool, StoreError> {
        match self.find(name).await {
            Ok(Some(object)) => Ok(self.chunks_of(&object.nuid).await? >= object.chunks),
            Ok(None) | Err(StoreError::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How many chunks of an object the leader has.
    pub(crate) async fn chunks_of(&self, nuid: &str) -> Result<u64, StoreError> {
        let filter = self.chunks_subject(nuid);
        let subjects = self
            .connection
            .stream_subjects(&self.stream_name(), &filter)
            .await?;
        Ok(subjects.counts.values().sum())
    }

    /// How many chunks of each object the leader has.
    pub async fn chunk_counts(&self) -> Result<ChunkCounts, StoreError> {
        let prefix = self.chunks_subject("");
        let subjects = self
            .connection
            .stream_subjects(&self.stream_name(), &format!("{prefix}>"))
            .await?;
        let mut counts = BTreeMap::new();
        for (subject, count) in subjects.counts {
            if let Some(chunk) = subject.strip_prefix(&prefix) {
                *counts.entry(nuid_of(chunk)).or_default() += count;
            }
        }
        Ok(ChunkCounts(counts))
    }

    pub(crate) async fn purge_chunks(&self, nuid: &str) -> Result<(), StoreError> {
        let purge = self.stream.purge().filter(self.chunks_subject(nuid));
        purge.await.map_err(|error| StoreError::of(&error))?;
        Ok(())
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
