//! Keys of the bucket without a document in the index: removed ones that left a marker, and unreadable values. The
//! leader's number of keys is the documents plus these.

use std::{collections::BTreeSet, time::Duration};

use wombat_store::{Builds, StoreError, WatchEvent};

/// Keys that are stored with a commit, and checked one by one. If there are more, all records are read to find them.
const MOST: usize = 200;
/// Longest wait for the next record while reading all of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// The keys; `None`: not known.
#[derive(Debug)]
pub(super) struct Absent(Option<BTreeSet<String>>);

impl Absent {
    /// No keys.
    pub(super) fn none() -> Self {
        Self(Some(BTreeSet::new()))
    }

    /// The keys that were stored with a commit.
    pub(super) fn kept(keys: Option<Vec<String>>) -> Self {
        Self(keys.map(BTreeSet::from_iter))
    }

    /// The keys to store with a commit.
    pub(super) fn to_keep(&self) -> Option<Vec<String>> {
        let keys = self.0.as_ref().filter(|keys| keys.len() <= MOST)?;
        Some(keys.iter().cloned().collect())
    }

    pub(super) fn add(&mut self, key: String) {
        if let Some(keys) = &mut self.0 {
            keys.insert(key);
        }
    }

    /// Notes that a key has a document.
    pub(super) fn remove(&mut self, key: &str) {
        if let Some(keys) = &mut self.0 {
            keys.remove(key);
        }
    }

    /// The current number of keys, checked with the leader: markers expire without an event.
    pub(super) async fn count(&mut self, builds: &Builds) -> Result<u64, StoreError> {
        let keys = match self.0 {
            Some(ref mut keys) => keys,
            ref mut unknown => unknown.insert(find(builds).await?),
        };
        if keys.len() <= MOST {
            for key in builds.vacant_among(keys.iter().cloned()).await? {
                keys.remove(&key);
            }
        }
        Ok(keys.len() as u64)
    }

    /// After a mismatch: if the keys are too many to be checked, they are found anew.
    pub(super) fn doubt(&mut self) {
        self.0.take_if(|keys| keys.len() > MOST);
    }
}

/// Finds the keys by reading all records.
async fn find(builds: &Builds) -> Result<BTreeSet<String>, StoreError> {
    let mut absent = BTreeSet::new();
    let mut watcher = builds.watch();
    loop {
        let told = tokio::time::timeout(PATIENCE, watcher.next()).await;
        let told =
            told.map_err(|_| StoreError::Unavailable("the record watch has stalled".to_owned()))?;
        match told {
            WatchEvent::Value { key, .. } => {
                absent.remove(&key);
            }
            WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                absent.insert(key);
            }
            WatchEvent::Ready => return Ok(absent),
            WatchEvent::Reset => absent.clear(),
        }
    }
}
