//! All records, reduced to what the janitor needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use time::OffsetDateTime;
use wombat_model::{ArtifactName, BuildKey, ModulePath, ModuleVersion, Status, wire::BuildOutline};
use wombat_store::{Revision, Store, StoreError, Versioned, WatchEvent};

use super::fingerprint::{Fingerprint, fingerprint as fingerprint_of};

/// Longest wait for the next record.
const PATIENCE: Duration = Duration::from_secs(30);

/// A binary that a record names.
#[derive(Clone, Debug)]
pub(super) struct StoredBinary {
    /// The object of the binary.
    pub(super) name: ArtifactName,
    /// Its size in bytes.
    pub(super) size: u64,
    /// `None`: the record has no digest.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The modules that were requested.
    pub(super) modules: BTreeMap<ModulePath, ModuleVersion>,
    /// When the build ended; `None` while it is being built again.
    pub(super) finished: Option<OffsetDateTime>,
}

/// What the janitor needs of all records.
#[derive(Debug)]
pub(super) struct Records {
    /// Builds with a binary that can be downloaded.
    pub(super) with_binary: BTreeMap<BuildKey, StoredBinary>,
    /// Finished builds without a binary, with their end times.
    pub(super) without_binary: BTreeMap<BuildKey, OffsetDateTime>,
    /// Builds that aren't finished.
    pub(super) open: BTreeSet<BuildKey>,
    /// Creation time of the bucket.
    created: i128,
    /// Revision of the last applied change.
    revision: Revision,
}

impl Records {
    /// No records yet.
    pub(super) fn new() -> Self {
        Self {
            with_binary: BTreeMap::new(),
            without_binary: BTreeMap::new(),
            open: BTreeSet::new(),
            created: 0,
            revision: Revision::ZERO,
        }
    }

    /// Applies the changes since the last call; of a new bucket, all records. An interrupted call is continued by the
    /// next.
    pub(super) async fn catch_up(&mut self, store: &Store) -> Result<(), StoreError> {
        let (created, last) = store.builds.identity().await?;
        if created != self.created || last < self.revision {
            *self = Self {
                created,
                ..Self::new()
            };
        }
        // Records come in the order of their last change, so those up to a revision aren't read again.
        let mut watcher = store.builds.watch_outlines(self.revision);
        loop {
            let event = tokio::time::timeout(PATIENCE, watcher.next()).await;
            match event {
                Err(_) => {
                    let problem = "the record watch has stalled".to_owned();
                    return Err(StoreError::Unavailable(problem));
                }
                Ok(WatchEvent::Value { key, record, .. }) => {
                    self.revision = self.revision.max(record.revision);
                    self.note(&key, record);
                }
                Ok(
                    WatchEvent::Removed { key, revision }
                    | WatchEvent::Unreadable { key, revision, .. },
                ) => {
                    self.revision = self.revision.max(revision);
                    if let Ok(key) = key.parse::<BuildKey>() {
                        self.with_binary.remove(&key);
                        self.without_binary.remove(&key);
                        self.open.remove(&key);
                    }
                }
                Ok(WatchEvent::Ready) => return Ok(()),
                Ok(WatchEvent::Reset) => {
                    let problem = "the bucket was replaced while it was read".to_owned();
                    return Err(StoreError::Unavailable(problem));
                }
            }
        }
    }

    fn note(&mut self, key: &str, record: Versioned<BuildOutline>) {
        let Ok(key) = key.parse::<BuildKey>() else {
            return;
        };
        let build = record.value;
        if build.status.is_terminal() {
            self.open.remove(&key);
        } else {
            self.open.insert(key.clone());
        }
        let binary = build.artifact.zip(build.size).filter(|_| !build.expired);
        if let Some((name, size)) = binary {
            let finished = build.finished.filter(|_| build.status == Status::Success);
            let fingerprint = build.sha256.as_ref();
            let fingerprint = fingerprint.map(|sha256| fingerprint_of(&name, size, sha256));
            let known = StoredBinary {
                name,
                size,
                fingerprint,
                modules: build.modules,
                finished,
            };
            self.without_binary.remove(&key);
            self.with_binary.insert(key, known);
            return;
        }
        self.with_binary.remove(&key);
        match build.finished.filter(|_| build.status.is_terminal()) {
            Some(finished) => drop(self.without_binary.insert(key, finished)),
            None => drop(self.without_binary.remove(&key)),
        }
    }

    /// Finished builds without a binary that ended before this, the oldest first.
    pub(super) fn without_binary_before(&self, before: OffsetDateTime) -> Vec<&BuildKey> {
        let ended = self.without_binary.iter();
        let mut all: Vec<_> = ended.filter(|(_, finished)| **finished < before).collect();
        all.sort_by_key(|(key, finished)| (**finished, *key));
        all.into_iter().map(|(key, _)| key).collect()
    }

    /// Finished builds, the oldest first.
    pub(super) fn oldest_first(&self) -> Vec<(OffsetDateTime, &BuildKey, &StoredBinary)> {
        let mut all: Vec<_> = self
            .with_binary
            .iter()
            .filter_map(|(key, known)| Some((known.finished?, key, known)))
            .collect();
        all.sort_by(|left, right| (left.0, left.1).cmp(&(right.0, right.1)));
        all
    }
}
