//! Records of open builds and of those that ended last, kept up to date by one watch. A follower sees the latest record, not
//! every change: a slow one skips states and delays no other. How many builds there ever were doesn't matter.

use std::{collections::HashMap, sync::Arc, time::Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use wombat_model::{Build, BuildKey};
use wombat_store::{Builds, Followers, WatchEvent};

use super::{record::Record, record_index::RecordIndex};

/// Writes before the start that are read, so that streams can resume after a restart: each build takes several.
const RECENT: u64 = 4_000;

/// What a follower of one build sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatestRecord {
    /// Changes when the bucket is another one, which makes void what was seen before.
    pub(crate) generation: u64,
    /// The record, if there is one.
    pub(crate) record: Option<Arc<Record>>,
}

/// What a follower of all builds sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WatchProgress {
    /// As in [`LatestRecord`].
    pub(crate) generation: u64,
    /// The last revision that was seen.
    pub(crate) revision: u64,
    /// Whether every record from before the start has been seen.
    pub(crate) ready: bool,
}

/// What is behind the lock.
#[derive(Debug, Default)]
struct LockedRecords {
    index: RecordIndex,
    followers: HashMap<BuildKey, watch::Sender<LatestRecord>>,
}

/// The records, shared by the whole process.
#[derive(Debug, Default)]
pub(crate) struct Records {
    locked: Mutex<LockedRecords>,
    progress: watch::Sender<WatchProgress>,
}

impl Records {
    /// Starts the watch; it ends with the other followers.
    pub(crate) fn start(builds: &Builds, followers: &Followers) -> Arc<Self> {
        let records = Arc::new(Self::default());
        let keeper = Arc::clone(&records);
        let mut watcher = builds.watch_open(RECENT);
        let stop = followers.stop().clone();
        followers.spawn(async move {
            loop {
                let event = tokio::select! {
                    () = stop.cancelled() => return,
                    event = watcher.next() => event,
                };
                keeper.lacks_up_to(watcher.complete_after().get());
                keeper.apply(event);
            }
        });
        records
    }

    fn lacks_up_to(&self, revision: u64) {
        let mut locked = self.locked.lock();
        if locked.index.lacks_up_to(revision) {
            self.seen(revision);
        }
    }

    fn seen(&self, revision: u64) {
        self.progress
            .send_modify(|progress| progress.revision = progress.revision.max(revision));
    }

    fn apply(&self, event: WatchEvent<Build>) {
        let is_ready = self.progress.borrow().ready;
        match event {
            WatchEvent::Value { key, record, .. } => {
                let Ok(key) = key.parse::<BuildKey>() else {
                    return;
                };
                let since = is_ready.then(Instant::now);
                self.put(&key, Record::new(record, since));
            }
            WatchEvent::Removed { key, revision }
            | WatchEvent::Unreadable { key, revision, .. } => {
                if let Ok(key) = key.parse::<BuildKey>() {
                    self.remove(&key, revision.get());
                }
            }
            WatchEvent::Ready => self.progress.send_modify(|progress| progress.ready = true),
            WatchEvent::Reset => self.reset(),
        }
    }

    fn put(&self, key: &BuildKey, record: Arc<Record>) {
        let revision = record.revision;
        let mut locked = self.locked.lock();
        locked.index.insert(key, &record);
        if let Some(follower) = locked.followers.get(key) {
            follower.send_modify(|latest| latest.record = Some(record));
        }
        self.seen(revision);
    }

    fn remove(&self, key: &BuildKey, revision: u64) {
        let mut locked = self.locked.lock();
        locked.index.remove(key);
        if let Some(follower) = locked.followers.get(key) {
            follower.send_modify(|latest| latest.record = None);
        }
        self.seen(revision);
    }

    fn reset(&self) {
        let mut locked = self.locked.lock();
        locked.index = RecordIndex::default();
        let generation = self.progress.borrow().generation + 1;
        for follower in locked.followers.values() {
            follower.send_replace(LatestRecord {
                generation,
                record: None,
            });
        }
        self.progress.send_replace(WatchProgress {
            generation,
            ..WatchProgress::default()
        });
    }

    /// The record of a build that this process saw last.
    pub(crate) fn get(&self, key: &BuildKey) -> Option<Arc<Record>> {
        self.locked.lock().index.get(key)
    }

    /// Up to `limit` records that changed after a revision, in the order of their changes.
    pub(crate) fn after(&self, revision: u64, limit: usize) -> Vec<Arc<Record>> {
        self.locked.lock().index.after(revision, limit)
    }

    /// Whether [`Self::after`] returns everything that changed after this revision.
    pub(crate) fn has_all_after(&self, revision: u64) -> bool {
        self.locked.lock().index.has_all_after(revision)
    }

    /// Follows all builds.
    pub(crate) fn progress(&self) -> watch::Receiver<WatchProgress> {
        self.progress.subscribe()
    }

    /// Follows one build, whether it exists or not.
    pub(crate) fn follow(self: &Arc<Self>, key: &BuildKey) -> RecordFollower {
        let mut locked = self.locked.lock();
        let latest = LatestRecord {
            generation: self.progress.borrow().generation,
            record: locked.index.get(key),
        };
        let receiver = locked
            .followers
            .entry(key.clone())
            .or_insert_with(|| watch::Sender::new(latest))
            .subscribe();
        RecordFollower {
            receiver: Some(receiver),
            key: key.clone(),
            records: Arc::clone(self),
        }
    }
}

/// Follows the record of one build.
#[derive(Debug)]
pub(crate) struct RecordFollower {
    /// `None` only while it is dropped.
    receiver: Option<watch::Receiver<LatestRecord>>,
    key: BuildKey,
    records: Arc<Records>,
}

impl RecordFollower {
    /// The record now; it counts as seen.
    pub(crate) fn latest(&mut self) -> LatestRecord {
        self.receiver
            .as_mut()
            .map(|receiver| receiver.borrow_and_update().clone())
            .unwrap_or_default()
    }

    /// Waits for a record that wasn't seen. Safe to drop between polls.
    pub(crate) async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return;
        }
        // The records are gone, and the process with them.
        std::future::pending::<()>().await;
    }
}

impl Drop for RecordFollower {
    fn drop(&mut self) {
        drop(self.receiver.take());
        let mut locked = self.records.locked.lock();
        if let Some(sender) = locked.followers.get(&self.key)
            && sender.receiver_count() == 0
        {
            locked.followers.remove(&self.key);
        }
    }
}
