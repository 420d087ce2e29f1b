//! All records as they are now, as far as the janitor cares.

use std::{collections::BTreeMap, time::Duration};

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

/// Records with a binary that can be downloaded.
#[derive(Debug, Default)]
pub(super) struct Records(pub(super) BTreeMap<BuildKey, Known>);

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
                            records.0.insert(build.key(), known);
                        }
                        None => drop(records.0.remove(&build.key())),
                    }
                }
                WatchEvent::Removed { key, .. } => {
                    if let Ok(key) = key.parse::<BuildKey>() {
                        records.0.remove(&key);
                    }
                }
                WatchEvent::Ready => return records,
                WatchEvent::Reset => records.0.clear(),
            }
        }
    }

    /// Finished builds, the oldest first.
    pub(super) fn oldest_first(&self) -> Vec<(OffsetDateTime, &BuildKey, &Known)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .filter_map(|(key, known)| Some((known.finished?, key, known)))
            .collect();
        all.sort_by(|left, right| (left.0, left.1).cmp(&(right.0, right.1)));
        all
    }
}
