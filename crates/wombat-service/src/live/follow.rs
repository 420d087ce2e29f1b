//! Keeps the queue in step with the buckets.

use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wombat_model::{
    Build, BuildState, Platform, Presence,
    log::Phase,
    wire::{BuildView, StatsAnswer},
};
use wombat_store::{Followers, Store, Versioned, WatchEvent};

use super::{history::MOST, phases::Phases, queue::BuildQueue};

/// Writes before the start that are read, finished builds included: their durations are the basis of estimates.
const RECENT: u64 = MOST as u64;

/// The queue, shared.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    queue: Arc<RwLock<BuildQueue>>,
    phases: Arc<Phases>,
    store: Store,
}

impl Live {
    /// Reads both buckets, and goes on following them until `stop`.
    pub(crate) async fn start(store: &Store, followers: &Followers) -> Self {
        let live = Self {
            queue: Arc::default(),
            phases: Arc::default(),
            store: store.clone(),
        };
        let (builds_ready, builds) = watch::channel(false);
        let (builders_ready, builders) = watch::channel(false);
        let stop = followers.stop();
        followers.spawn(live.clone().follow_builds(builds_ready, stop.clone()));
        followers.spawn(live.clone().follow_builders(builders_ready, stop.clone()));
        for mut ready in [builds, builders] {
            // Followers end early only at shutdown.
            drop(ready.wait_for(|ready| *ready).await);
        }
        live
    }

    /// Applies a record without waiting for the watch.
    pub(crate) fn note(&self, record: &Versioned<Build>) {
        self.queue.write().note(record);
    }

    /// Estimated time until a build that is requested now is done.
    pub(crate) fn wait_for_new(&self, platform: Platform) -> std::time::Duration {
        let now = self.store.builds.server_time();
        self.queue.read().wait_for_new(platform, now)
    }

    /// How many builds aren't finished.
    pub(crate) fn open_builds(&self) -> u64 {
        u64::try_from(self.queue.read().open_count()).unwrap_or(u64::MAX)
    }

    /// The median duration of recent successful builds for this platform.
    pub(crate) fn usual(&self, platform: Platform) -> Option<std::time::Duration> {
        self.queue.read().usual(platform)
    }

    /// Results of the newest builds in the last minutes.
    pub(crate) fn stats(&self, minutes: u32) -> StatsAnswer {
        let now = self.store.builds.server_time();
        self.queue.read().stats(minutes, now)
    }

    /// The live builders.
    pub(crate) fn builders(&self) -> Vec<Presence> {
        self.queue.read().builders().cloned().collect()
    }

    /// Adds queue position and estimate.
    pub(crate) fn add_queue(&self, view: &mut BuildView) {
        let now = self.store.builds.server_time();
        let outlook = self.queue.read().outlook(&view.id, now);
        view.queue = outlook.queue;
        view.eta_seconds = outlook.eta.map(|eta| eta.as_secs().max(1));
    }

    /// A record with its place in the queue and its phase.
    pub(crate) async fn view(&self, record: Versioned<Build>) -> BuildView {
        let claim = match record.value.state() {
            BuildState::New { .. } => None,
            BuildState::Building { by, .. } => Some(by.claim.clone()),
            BuildState::Success { .. }
            | BuildState::Failed { .. }
            | BuildState::Cancelled { .. } => {
                return BuildView::of(record.value, record.revision.get());
            }
        };
        self.note(&record);
        let mut view = BuildView::of(record.value, record.revision.get());
        self.add_queue(&mut view);
        view.phase = Some(Phase::Queued);
        if let Some(claim) = claim {
            let (phase, progress) = self.phases.of(&self.store.logs, &view.id, &claim).await;
            view.phase = Some(phase);
            view.progress = progress;
        }
        view
    }

    async fn follow_builds(self, ready: watch::Sender<bool>, stop: CancellationToken) {
        let mut watcher = self.store.builds.watch_open(RECENT);
        loop {
            let event = tokio::select! {
                event = watcher.next() => event,
                () = stop.cancelled() => return,
            };
            match event {
                WatchEvent::Value { record, .. } => self.queue.write().apply(&record),
                WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                    if let Ok(key) = key.parse() {
                        self.queue.write().remove(&key);
                    }
                }
                WatchEvent::Ready => drop(ready.send_replace(true)),
                WatchEvent::Reset => self.queue.write().clear_builds(),
            }
        }
    }

    async fn follow_builders(self, ready: watch::Sender<bool>, stop: CancellationToken) {
        let mut watcher = self.store.builders.watch();
        loop {
            let event = tokio::select! {
                event = watcher.next() => event,
                () = stop.cancelled() => return,
            };
            match event {
                WatchEvent::Value { record, .. } => self.queue.write().arrive(record.value),
                WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                    if let Ok(builder) = key.parse() {
                        self.queue.write().leave(&builder);
                    }
                }
                WatchEvent::Ready => drop(ready.send_replace(true)),
                WatchEvent::Reset => self.queue.write().clear_builders(),
            }
        }
    }
}
