//! Chunks that no object names: those of failed uploads, or of an upload that is under way.
//!
//! Until an upload's entry is written, its chunks differ from leftovers by their age alone. No host's clock decides it:
//! the newest chunk of a group must be old by the server's clock, and this process must have seen the group unchanged
//! for as long. So a server whose clock jumps, or another server with another clock, doesn't cause a removal.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use time::OffsetDateTime;
use tracing::debug;

use super::{Objects, chunk_group};
use crate::{Revision, StoreError, open};

/// Groups of chunks without an object, and since when each is unchanged.
#[derive(Debug, Default)]
pub struct OrphanChunks(BTreeMap<String, UnchangedSince>);

#[derive(Clone, Copy, Debug)]
struct UnchangedSince {
    newest: Revision,
    since: Instant,
}

/// The `nuid` of every group of chunks, and when the server listed them.
struct ChunkGroups {
    groups: BTreeSet<String>,
    now: OffsetDateTime,
}

impl Objects {
    /// Removes the chunks that uploads of these objects left without an entry, however young they are: no writer may
    /// still upload one. Returns how many groups were removed.
    pub async fn remove_chunks_of(&self, names: &[String]) -> Result<usize, StoreError> {
        let wanted: BTreeMap<String, &String> = names
            .iter()
            .map(|name| (chunk_group::name_digest(name), name))
            .collect();
        let mut removed = 0;
        // Chunks first: an upload that finishes in between has its entry by the time it is looked for.
        for nuid in self.chunk_groups().await?.groups {
            let digest = chunk_group::name_digest_in(&nuid);
            let Some(name) = digest.and_then(|digest| wanted.get(digest)) else {
                continue;
            };
            let entry = match self.find(name).await {
                Ok(entry) => entry,
                Err(StoreError::Corrupt { .. }) => continue,
                Err(error) => return Err(error),
            };
            if entry.is_none_or(|entry| entry.nuid != nuid) {
                self.purge_chunks(&nuid).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The groups of all chunks.
    async fn chunk_groups(&self) -> Result<ChunkGroups, StoreError> {
        let prefix = self.chunks_subject("");
        let filter = format!("{prefix}>");
        let subjects = self
            .connection
            .stream_subjects(&self.stream_name(), &filter)
            .await?;
        let groups = subjects
            .counts
            .into_keys()
            .filter_map(|subject| Some(chunk_group::nuid_of(subject.strip_prefix(&prefix)?)));
        Ok(ChunkGroups {
            groups: groups.collect(),
            now: subjects.now,
        })
    }

    /// Removes groups of chunks that no object names and that have been unchanged for longer than `age`, both by the
    /// server's clock and according to `seen`. Returns how many groups were removed.
    pub async fn remove_orphan_chunks(
        &self,
        seen: &mut OrphanChunks,
        age: Duration,
    ) -> Result<usize, StoreError> {
        // Chunks first: the list then includes the objects of uploads that finish in between.
        let ChunkGroups {
            groups: mut unnamed,
            now: listed,
        } = self.chunk_groups().await?;
        for object in self.list().await? {
            unnamed.remove(&object.nuid);
        }
        seen.0.retain(|nuid, _| unnamed.contains(nuid));
        let mut removed = 0;
        for nuid in unnamed {
            let subject = self.chunks_subject(&nuid);
            let Some(newest) = open::last(&self.stream, &subject).await? else {
                continue;
            };
            let now = UnchangedSince {
                newest: Revision::new(newest.sequence),
                since: Instant::now(),
            };
            let still = seen.0.entry(nuid.clone()).or_insert(now);
            if still.newest != now.newest {
                *still = now;
            }
            let is_old = listed - newest.time > age;
            if is_old && still.since.elapsed() > age {
                debug!(subject, "removing chunks of a failed upload");
                self.purge_chunks(&nuid).await?;
                seen.0.remove(&nuid);
                removed += 1;
            }
        }
        Ok(removed)
    }
}
