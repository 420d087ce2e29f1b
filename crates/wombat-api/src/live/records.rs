//! Records of open builds and of those that ended last, kept up to date by one watch. Followers see levels, not changes:
//! whoever is slow skips states and holds nobody up. How many builds there ever were doesn't matter.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};

use tokio::sync::watch;
use wombat_model::{Build, BuildKey, BuildState, wire::BuildView};
use wombat_store::{Builds, Followers, Versioned, WatchEvent};

/// Finished builds that are kept: whoever comes back to a stream of all builds after more than so many sees a reset.
const MAX_FINISHED: usize = 2_000;
/// Writes before the start that are read, so that streams outlive a restart: each build takes several.
const RECENT: u64 = 4_000;

/// A record as it was at one revision.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) build: Build,
    pub(crate) revision: u64,
    /// When this process saw it become what it is; `None`: it was so before.
    since: Option<Instant>,
    json: OnceLock<String>,
}

impl Record {
    pub(crate) fn new(record: Versioned<Build>, since: Option<Instant>) -> Arc<Self> {
        Arc::new(Self {
            build: record.value,
            revision: record.revision.get(),
            since,
            json: OnceLock::new(),
        })
    }

    pub(crate) fn view(&self) -> BuildView {
        BuildView::of(self.build.clone(), self.revision)
    }

    /// The view as JSON, written once for all who are shown it.
    pub(crate) fn json(&self) -> &str {
        self.json.get_or_init(|| {
            serde_json::to_string(&self.view()).expect("a record came from JSON and goes back")
        })
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.build.status().is_terminal()
    }

    /// Whether the service has nothing to add to it, such as when a failure may be tried again.
    pub(crate) fn says_all(&self) -> bool {
        match self.build.state() {
            BuildState::Success { .. } | BuildState::Cancelled { .. } => true,
            BuildState::Failed { failure, .. } => !failure.class.is_final(),
            BuildState::New { .. } | BuildState::Building { .. } => false,
        }
    }

    /// When this process saw it become finished. `None`: it isn't, or it was so before.
    pub(crate) fn finished_here(&self) -> Option<Instant> {
        self.since.filter(|_| self.is_terminal())
    }
}

/// What a follower of one build sees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    /// Another number, another bucket: what was seen before is void.
    pub(crate) generation: u64,
    /// The record, if there is one.
    pub(crate) record: Option<Arc<Record>>,
}

/// What a follower of all builds sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tick {
    /// As in [`Level`].
    pub(crate) generation: u64,
    /// The last revision that was seen.
    pub(crate) revision: u64,
    /// Whether everything that was there at the start has been seen.
    pub(crate) ready: bool,
}

#[derive(Debug, Default)]
struct Inner {
    records: HashMap<BuildKey, Arc<Record>>,
    by_revision: BTreeMap<u64, BuildKey>,
    finished: BTreeMap<u64, BuildKey>,
    /// Of changes up to this revision, some aren't here.
    complete_after: u64,
    followers: HashMap<BuildKey, watch::Sender<Level>>,
}

impl Inner {
    fn insert(&mut self, key: &BuildKey, record: &Arc<Record>) {
        self.take(key);
        self.records.insert(key.clone(), Arc::clone(record));
        self.by_revision.insert(record.revision, key.clone());
        if record.is_terminal() {
            self.finished.insert(record.revision, key.clone());
        }
        while self.finished.len() > MAX_FINISHED
            && let Some((revision, key)) = self.finished.pop_first()
        {
            self.take(&key);
            self.complete_after = self.complete_after.max(revision);
        }
    }

    fn take(&mut self, key: &BuildKey) {
        if let Some(old) = self.records.remove(key) {
            self.by_revision.remove(&old.revision);
            self.finished.remove(&old.revision);
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Records {
    inner: Mutex<Inner>,
    tick: watch::Sender<Tick>,
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

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lacks_up_to(&self, revision: u64) {
        let mut inner = self.lock();
        if revision > inner.complete_after {
            inner.complete_after = revision;
            self.seen(revision);
        }
    }

    fn seen(&self, revision: u64) {
        self.tick
            .send_modify(|tick| tick.revision = tick.revision.max(revision));
    }

    fn apply(&self, event: WatchEvent<Build>) {
        let tick = *self.tick.borrow();
        match event {
            WatchEvent::Value { key, record, .. } => {
                let Ok(key) = key.parse::<BuildKey>() else {
                    return;
                };
                let since = tick.ready.then(Instant::now);
                self.put(&key, Record::new(record, since));
            }
            WatchEvent::Removed { key, revision }
            | WatchEvent::Unreadable { key, revision, .. } => {
                if let Ok(key) = key.parse::<BuildKey>() {
                    self.remove(&key, revision.get());
                }
            }
            WatchEvent::Ready => self.tick.send_modify(|tick| tick.ready = true),
            WatchEvent::Reset => self.reset(),
        }
    }

    fn put(&self, key: &BuildKey, record: Arc<Record>) {
        let revision = record.revision;
        let mut inner = self.lock();
        inner.insert(key, &record);
        if let Some(follower) = inner.followers.get(key) {
            follower.send_modify(|level| level.record = Some(record));
        }
        self.seen(revision);
    }

    fn remove(&self, key: &BuildKey, revision: u64) {
        let mut inner = self.lock();
        inner.take(key);
        if let Some(follower) = inner.followers.get(key) {
            follower.send_modify(|level| level.record = None);
        }
        self.seen(revision);
    }

    fn reset(&self) {
        let mut inner = self.lock();
        inner.records.clear();
        inner.by_revision.clear();
        inner.finished.clear();
        inner.complete_after = 0;
        let generation = self.tick.borrow().generation + 1;
        for follower in inner.followers.values() {
            follower.send_replace(Level {
                generation,
                record: None,
            });
        }
        self.tick.send_replace(Tick {
            generation,
            ..Tick::default()
        });
    }

    /// The record of a build, as far as it was seen here.
    pub(crate) fn get(&self, key: &BuildKey) -> Option<Arc<Record>> {
        self.lock().records.get(key).cloned()
    }

    /// Up to `limit` records that changed after a revision, in the order of their changes.
    pub(crate) fn after(&self, revision: u64, limit: usize) -> Vec<Arc<Record>> {
        let inner = self.lock();
        inner
            .by_revision
            .range(revision + 1..)
            .take(limit)
            .filter_map(|(_, key)| inner.records.get(key).cloned())
            .collect()
    }

    /// Whether [`Self::after`] tells everything that changed after this revision.
    pub(crate) fn has_all_after(&self, revision: u64) -> bool {
        revision >= self.lock().complete_after
    }

    /// Follows all builds.
    pub(crate) fn ticks(&self) -> watch::Receiver<Tick> {
        self.tick.subscribe()
    }

    /// Follows one build, whether it exists or not.
    pub(crate) fn follow(self: &Arc<Self>, key: &BuildKey) -> LevelFollower {
        let mut inner = self.lock();
        let level = Level {
            generation: self.tick.borrow().generation,
            record: inner.records.get(key).cloned(),
        };
        let receiver = inner
            .followers
            .entry(key.clone())
            .or_insert_with(|| watch::Sender::new(level))
            .subscribe();
        LevelFollower {
            receiver: Some(receiver),
            key: key.clone(),
            records: Arc::clone(self),
        }
    }
}

/// Sees the levels of one build.
#[derive(Debug)]
pub(crate) struct LevelFollower {
    /// `None` only while it is dropped.
    receiver: Option<watch::Receiver<Level>>,
    key: BuildKey,
    records: Arc<Records>,
}

impl LevelFollower {
    /// The level now; it counts as seen.
    pub(crate) fn level(&mut self) -> Level {
        self.receiver
            .as_mut()
            .map(|receiver| receiver.borrow_and_update().clone())
            .unwrap_or_default()
    }

    /// Waits for a level that wasn't seen. Safe to drop between polls.
    pub(crate) async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return;
        }
        // Nobody changes anything any more.
        std::future::pending::<()>().await;
    }
}

impl Drop for LevelFollower {
    fn drop(&mut self) {
        drop(self.receiver.take());
        let mut inner = self.records.lock();
        if let Some(sender) = inner.followers.get(&self.key)
            && sender.receiver_count() == 0
        {
            inner.followers.remove(&self.key);
        }
    }
}
