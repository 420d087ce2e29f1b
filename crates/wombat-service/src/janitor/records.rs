//! All records as they are now, as far as the janitor cares.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use time::OffsetDateTime;
use wombat_model::{ArtifactName, BuildKey, BuildState};
use wombat_store::{Store, StoreError, WatchEvent};

/// How long reading all of them may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A record that has a binary.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The binary.
    pub(super) name: ArtifactName,
    /// Its size in bytes.
    pub(super) size: u64,
    /// When the build ended; `None` while it is being built again.
    pub(super) finished: Option<OffsetDateTime>,
}

/// What the janitor has to know of all records.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Those with a binary that can be downloaded.
    pub(super) with_binary: BTreeMap<BuildKey, Known>,
    /// Builds that aren't finished.
    pub(super) open: BTreeSet<BuildKey>,
}

impl Records {
    /// Reads the bucket once.
    pub(super) async fn read(store: &Store) -> Result<Self, StoreError> {
        // Without this look, an unreachable server would be waited for instead of reported.
        store.builds.identity().await?;
        tokio::time::timeout(LIMIT, Self::collect(store))
            .await
            .map_err(|_| StoreError::Unavailable("the records stopped coming".to_owned()))
    }

    async fn collect(store: &Store) -> Self {
        let mut records = Self::default();
        let mut watcher = store.builds.watch();
        loop {
            match watcher.next().await {
                WatchEvent::Value { record, .. } => {
                    let build = record.value;
                    if build.status().is_terminal() {
                        records.open.remove(&build.key());
                    } else {
                        records.open.insert(build.key());
                    }
                    let finished = match build.state() {
                        BuildState::Success { .. } => build.finished(),
                        BuildState::New { .. }
                        | BuildState::Building { .. }
                        | BuildState::Failed { .. }
                        | BuildState::Cancelled { .. } => None,
                    };
                    match build.artifact() {
                        Some(artifact) => {
                            let known = Known {
                                name: artifact.name.clone(),
                                size: artifact.size,
                                finished,
                            };
                            records.with_binary.insert(build.key(), known);
                        }
                        None => drop(records.with_binary.remove(&build.key())),
                    }
                }
                WatchEvent::Removed { key, .. } => {
                    if let Ok(key) = key.parse::<BuildKey>() {
                        records.with_binary.remove(&key);
                        records.open.remove(&key);
                    }
                }
                WatchEvent::Ready => return records,
                WatchEvent::Reset => records = Self::default(),
            }
        }
    }

    /// Finished builds, the oldest first.
    pub(super) fn oldest_first(&self) -> Vec<(OffsetDateTime, &BuildKey, &Known)> {
        let mut all: Vec<_> = self
            .with_binary
            .iter()
            .filter_map(|(key, known)| Some((known.finished?, key, known)))
            .collect();
        all.sort_by(|left, right| (left.0, left.1).cmp(&(right.0, right.1)));
        all
    }
}
