//! The queue in memory: waiting and running builds, and how long builds take.
//!
//! Times come from records, which other hosts wrote; only estimates depend on them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use time::OffsetDateTime;
use wombat_model::{
    Build, BuildKey, BuildState, BuilderId, Platform, Presence, Template,
    wire::{Queue, StatsAnswer},
};
use wombat_store::Versioned;

use super::{durations::Durations, history::History};

/// Assumed duration while no build of a platform has finished.
const UNKNOWN: Duration = Duration::from_mins(1);

/// A place in the queue: by request time, then by revision.
type QueuePlace = (OffsetDateTime, u64);

#[derive(Clone, Copy, Debug)]
struct OpenBuild {
    revision: u64,
    platform: Platform,
    template: Template,
    step: OpenStep,
}

#[derive(Clone, Copy, Debug)]
enum OpenStep {
    Waiting(QueuePlace),
    Running { since: OffsetDateTime },
}

/// Open builds, durations of finished ones, and live builders.
#[derive(Debug, Default)]
pub(super) struct BuildQueue {
    open: HashMap<BuildKey, OpenBuild>,
    waiting: BTreeMap<QueuePlace, Platform>,
    running: BTreeSet<BuildKey>,
    durations: Durations,
    builders: BTreeMap<BuilderId, Presence>,
    history: History,
    /// Revision up to which the watch has delivered everything.
    watched: u64,
}

/// Place of a build in the queue, and how long it probably takes from now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) queue: Option<Queue>,
    pub(crate) eta: Option<Duration>,
}

impl BuildQueue {
    /// Applies a record from the watch.
    pub(super) fn apply(&mut self, record: &Versioned<Build>) {
        self.watched = self.watched.max(record.revision.get());
        self.put(record);
    }

    /// Applies a record that was read or written here, unless the watch has already delivered it or a later change.
    pub(super) fn note(&mut self, record: &Versioned<Build>) {
        if record.revision.get() > self.watched {
            self.put(record);
        }
    }

    fn put(&mut self, record: &Versioned<Build>) {
        let build = &record.value;
        let key = build.key();
        let revision = record.revision.get();
        let known = self.open.get(&key);
        if known.is_some_and(|known| known.revision >= revision) {
            return;
        }
        self.close(&key);
        self.history.put(build, revision);
        let platform = build.spec().target().platform();
        let step = match build.state() {
            BuildState::New { .. } => {
                let place = (build.requested(), revision);
                self.waiting.insert(place, platform);
                OpenStep::Waiting(place)
            }
            BuildState::Building { .. } => {
                self.running.insert(key.clone());
                let since = build.claimed().unwrap_or(build.requested());
                OpenStep::Running { since }
            }
            BuildState::Success { .. } => {
                if let Some(taken) = duration(build) {
                    self.durations.add(platform, taken);
                }
                return;
            }
            BuildState::Failed { .. } | BuildState::Cancelled { .. } => return,
        };
        self.open.insert(
            key,
            OpenBuild {
                revision,
                platform,
                template: build.spec().template(),
                step,
            },
        );
    }

    /// Forgets a record.
    pub(super) fn remove(&mut self, key: &BuildKey) {
        self.history.remove(key);
        self.close(key);
    }

    /// How many builds aren't finished.
    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Results of the newest builds in the last minutes.
    pub(super) fn stats(&self, minutes: u32, now: OffsetDateTime) -> StatsAnswer {
        self.history.stats(minutes, now)
    }

    fn close(&mut self, key: &BuildKey) {
        if let Some(open) = self.open.remove(key) {
            match open.step {
                OpenStep::Waiting(place) => drop(self.waiting.remove(&place)),
                OpenStep::Running { .. } => drop(self.running.remove(key)),
            }
        }
    }

    /// Forgets all records.
    pub(super) fn clear_builds(&mut self) {
        let builders = std::mem::take(&mut self.builders);
        *self = Self {
            builders,
            ..Self::default()
        };
    }

    /// Adds a builder, or what it does now.
    pub(super) fn arrive(&mut self, presence: Presence) {
        self.builders.insert(presence.builder.clone(), presence);
    }

    /// Removes a builder.
    pub(super) fn leave(&mut self, builder: &BuilderId) {
        self.builders.remove(builder);
    }

    /// Removes all builders.
    pub(super) fn clear_builders(&mut self) {
        self.builders.clear();
    }

    pub(super) fn builders(&self) -> impl Iterator<Item = &Presence> {
        self.builders.values()
    }

    /// Queue position and estimate of an open build.
    pub(super) fn outlook(&self, key: &BuildKey, now: OffsetDateTime) -> Outlook {
        let Some(open) = self.open.get(key) else {
            return Outlook::default();
        };
        let usual = self.usual(open.platform);
        match open.step {
            OpenStep::Running { since } => Outlook {
                queue: None,
                eta: usual.map(|usual| left(usual, since, now)),
            },
            OpenStep::Waiting(place) => {
                let before = self.waiting.range(..place).count() as u64;
                let workers = self.workers(open.template);
                let wait = self.work_before(Some(place), now);
                Outlook {
                    queue: Some(Queue {
                        position: before + 1,
                        length: self.waiting.len() as u64,
                        builders: self.takers(open.template).count() as u64,
                    }),
                    eta: usual
                        .filter(|_| workers > 0)
                        .map(|usual| wait / workers.max(1) + usual),
                }
            }
        }
    }

    /// Estimated time until a build that is requested now is done.
    pub(super) fn wait_for_new(&self, platform: Platform, now: OffsetDateTime) -> Duration {
        let usual = self.usual(platform).unwrap_or(UNKNOWN);
        self.work_before(None, now) / self.workers(Template::NEWEST).max(1) + usual
    }

    /// Work ahead of this place in the queue (`None`: its end), for one worker.
    fn work_before(&self, place: Option<QueuePlace>, now: OffsetDateTime) -> Duration {
        let ahead = self
            .waiting
            .iter()
            .take_while(|(other, _)| place.is_none_or(|place| **other < place))
            .map(|(_, platform)| self.usual(*platform).unwrap_or(UNKNOWN));
        let running = self.running.iter().filter_map(|key| {
            let open = self.open.get(key)?;
            match open.step {
                OpenStep::Running { since } => Some(left(
                    self.usual(open.platform).unwrap_or(UNKNOWN),
                    since,
                    now,
                )),
                OpenStep::Waiting(_) => None,
            }
        });
        ahead.chain(running).sum()
    }

    /// The median duration of successful builds for this platform.
    pub(super) fn usual(&self, platform: Platform) -> Option<Duration> {
        self.durations.median(platform)
    }

    /// Builders that could claim a build of this template.
    fn takers(&self, template: Template) -> impl Iterator<Item = &Presence> {
        let all = self.builders.values();
        all.filter(move |presence| presence.takes(template))
    }

    fn workers(&self, template: Template) -> u32 {
        self.takers(template).map(|presence| presence.workers).sum()
    }
}

fn duration(build: &Build) -> Option<Duration> {
    let taken = build.finished()? - build.claimed()?;
    Duration::try_from(taken).ok()
}

/// Time left for a build that began at `since`; never zero, since it isn't done.
fn left(usual: Duration, since: OffsetDateTime, now: OffsetDateTime) -> Duration {
    let elapsed = Duration::try_from(now - since).unwrap_or_default();
    usual.saturating_sub(elapsed).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests;
