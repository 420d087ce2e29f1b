//! Keys of the bucket that have no document in the index: those whose removal left a marker, and those whose value can't
//! be read. What the leader counts is documents and these.

use std::{collections::BTreeSet, time::Duration};

use wombat_store::{Builds, StoreError, WatchEvent};

/// Keys that are kept with a commit, and asked about one by one. If there are more, all records are read to find them.
const MOST: usize = 200;
/// How long the next record may take before reading them is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The keys; `None`: they have to be found.
#[derive(Debug)]
pub(super) struct Absent(Option<BTreeSet<String>>);

impl Absent {
    /// There are none.
    pub(super) fn none() -> Self {
        Self(Some(BTreeSet::new()))
    }

    /// Those that a commit kept.
    pub(super) fn kept(keys: Option<Vec<String>>) -> Self {
        Self(keys.map(BTreeSet::from_iter))
    }

    /// Those that a commit keeps.
    pub(super) fn to_keep(&self) -> Option<Vec<String>> {
        let keys = self.0.as_ref().filter(|keys| keys.len() <= MOST)?;
        Some(keys.iter().cloned().collect())
    }

    pub(super) fn add(&mut self, key: String) {
        if let Some(keys) = &mut self.0 {
            keys.insert(key);
        }
    }

    /// A key has a document.
    pub(super) fn remove(&mut self, key: &str) {
        if let Some(keys) = &mut self.0 {
            keys.remove(key);
        }
    }

    /// How many there are now, by the leader. Markers go away with time, and nothing tells of it.
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

    /// The numbers didn't agree: if these are too many to be asked about, they are found anew.
    pub(super) fn doubt(&mut self) {
        self.0.take_if(|keys| keys.len() > MOST);
    }
}

/// Reads all records.
async fn find(builds: &Builds) -> Result<BTreeSet<String>, StoreError> {
    let mut absent = BTreeSet::new();
    let mut watcher = builds.watch();
    loop {
        let told = tokio::time::timeout(PATIENCE, watcher.next()).await;
        let told =
            told.map_err(|_| StoreError::Unavailable("the records stopped coming".to_owned()))?;
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
