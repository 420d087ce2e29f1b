//! Chunks that no object names: what broken uploads left behind, or an upload that is under way.
//!
//! Until an upload's entry is written, its chunks are told from leftovers by their age alone. No host's clock tells it:
//! the server's clock says how old a group's newest chunk is, and the group must have stood still for as long
//! before our eyes. A server whose clock jumps, or another one with another clock, then takes nothing.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tracing::debug;

use super::Objects;
use crate::{Revision, StoreError};

/// Groups of chunks without a name, and since when each has stood still.
#[derive(Debug, Default)]
pub struct OrphanChunks(BTreeMap<String, Still>);

#[derive(Clone, Copy, Debug)]
struct Still {
    newest: Revision,
    since: Instant,
}

impl Objects {
    /// Removes groups of chunks that no object names and that have stood still for longer than `age`, by the server's
    /// clock and since `seen` knows of them. Returns how many groups were removed.
    pub async fn remove_orphan_chunks(
        &self,
        seen: &mut OrphanChunks,
        age: Duration,
    ) -> Result<usize, StoreError> {
        let prefix = self.chunks_subject("");
        // Chunks first: an upload that finishes in between then has its object in the list.
        let subjects = self
            .connection
            .stream_subjects(&self.stream_name(), &format!("{prefix}>"))
            .await?;
        let mut unnamed: BTreeMap<String, String> = subjects
            .counts
            .into_keys()
            .filter_map(|subject| Some((subject.strip_prefix(&prefix)?.to_owned(), subject)))
            .collect();
        for object in self.list().await? {
            unnamed.remove(&object.nuid);
        }
        seen.0.retain(|nuid, _| unnamed.contains_key(nuid));
        let mut removed = 0;
        for (nuid, subject) in unnamed {
            let newest = self
                .stream
                .get_last_raw_message_by_subject(&subject)
                .await
                .map_err(|error| StoreError::of(&error))?;
            let now = Still {
                newest: Revision::new(newest.sequence),
                since: Instant::now(),
            };
            let still = seen.0.entry(nuid.clone()).or_insert(now);
            if still.newest != now.newest {
                *still = now;
            }
            let is_old = subjects.now - newest.time > age;
            if is_old && still.since.elapsed() > age {
                debug!(subject, "removing what a broken upload left behind");
                self.purge_chunks(&nuid).await?;
                seen.0.remove(&nuid);
                removed += 1;
            }
        }
        Ok(removed)
    }
}
