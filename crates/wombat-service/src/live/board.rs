//! The queue in memory: what waits, what is being built, and how long builds take.
//!
//! Times are taken from records, which other hosts wrote; nothing but estimates hangs on them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use time::OffsetDateTime;
use wombat_model::{
    Build, BuildKey, BuildState, BuilderId, Platform, Presence,
    wire::{Queue, StatsAnswer},
};
use wombat_store::Versioned;

use super::history::History;

/// Durations that the median of a platform is taken from.
const SAMPLES: usize = 64;
/// What a build takes where nothing is known.
const UNKNOWN: Duration = Duration::from_mins(1);

/// A place in the queue: who asked first is first; the revision decides between equal times.
type Place = (OffsetDateTime, u64);

#[derive(Clone, Copy, Debug)]
struct Open {
    revision: u64,
    platform: Platform,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Waiting(Place),
    Running { since: OffsetDateTime },
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Board {
    open: HashMap<BuildKey, Open>,
    waiting: BTreeMap<Place, Platform>,
    running: BTreeSet<BuildKey>,
    durations: HashMap<Platform, VecDeque<Duration>>,
    builders: BTreeMap<BuilderId, Presence>,
    history: History,
    /// Revision up to which the watch has told everything.
    told: u64,
}

/// Where a build stands, and how long it probably takes from now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) queue: Option<Queue>,
    pub(crate) eta: Option<Duration>,
}

impl Board {
    /// Takes in a record that the watch tells.
    pub(super) fn apply(&mut self, record: &Versioned<Build>) {
        self.told = self.told.max(record.revision.get());
        self.put(record);
    }

    /// Takes in a record that was read or written here. The watch may have told it already, and what came after it:
    /// then it is old news.
    pub(super) fn note(&mut self, record: &Versioned<Build>) {
        if record.revision.get() > self.told {
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
                Step::Waiting(place)
            }
            BuildState::Building { .. } => {
                self.running.insert(key.clone());
                let since = build.claimed().unwrap_or(build.requested());
                Step::Running { since }
            }
            BuildState::Success { .. } => {
                if let Some(taken) = duration(build) {
                    let durations = self.durations.entry(platform).or_default();
                    durations.push_back(taken);
                    if durations.len() > SAMPLES {
                        durations.pop_front();
                    }
                }
                return;
            }
            BuildState::Failed { .. } | BuildState::Cancelled { .. } => return,
        };
        self.open.insert(
            key,
            Open {
                revision,
                platform,
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

    /// What became of the newest builds in the last minutes.
    pub(super) fn stats(&self, minutes: u32, now: OffsetDateTime) -> StatsAnswer {
        self.history.stats(minutes, now)
    }

    fn close(&mut self, key: &BuildKey) {
        if let Some(open) = self.open.remove(key) {
            match open.step {
                Step::Waiting(place) => drop(self.waiting.remove(&place)),
                Step::Running { .. } => drop(self.running.remove(key)),
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

    /// A builder says what it does.
    pub(super) fn arrive(&mut self, presence: Presence) {
        self.builders.insert(presence.builder.clone(), presence);
    }

    /// A builder is gone.
    pub(super) fn leave(&mut self, builder: &BuilderId) {
        self.builders.remove(builder);
    }

    /// Forgets who is there.
    pub(super) fn clear_builders(&mut self) {
        self.builders.clear();
    }

    pub(super) fn builders(&self) -> impl Iterator<Item = &Presence> {
        self.builders.values()
    }

    /// What can be said of a build that isn't finished.
    pub(super) fn outlook(&self, key: &BuildKey, now: OffsetDateTime) -> Outlook {
        let Some(open) = self.open.get(key) else {
            return Outlook::default();
        };
        let usual = self.usual(open.platform);
        match open.step {
            Step::Running { since } => Outlook {
                queue: None,
                eta: usual.map(|usual| left(usual, since, now)),
            },
            Step::Waiting(place) => {
                let before = self.waiting.range(..place).count() as u64;
                let workers = self.workers();
                let wait = self.work_before(Some(place), now);
                Outlook {
                    queue: Some(Queue {
                        position: before + 1,
                        length: self.waiting.len() as u64,
                        builders: self.takers().count() as u64,
                    }),
                    eta: usual
                        .filter(|_| workers > 0)
                        .map(|usual| wait / workers.max(1) + usual),
                }
            }
        }
    }

    /// How long a build that is asked for now would take.
    pub(super) fn wait_for_new(&self, platform: Platform, now: OffsetDateTime) -> Duration {
        let usual = self.usual(platform).unwrap_or(UNKNOWN);
        self.work_before(None, now) / self.workers().max(1) + usual
    }

    /// Work until this place in the queue (`None`: its end) is reached, for one worker.
    fn work_before(&self, place: Option<Place>, now: OffsetDateTime) -> Duration {
        let ahead = self
            .waiting
            .iter()
            .take_while(|(other, _)| place.is_none_or(|place| **other < place))
            .map(|(_, platform)| self.usual(*platform).unwrap_or(UNKNOWN));
        let running = self.running.iter().filter_map(|key| {
            let open = self.open.get(key)?;
            match open.step {
                Step::Running { since } => Some(left(
                    self.usual(open.platform).unwrap_or(UNKNOWN),
                    since,
                    now,
                )),
                Step::Waiting(_) => None,
            }
        });
        ahead.chain(running).sum()
    }

    /// The median of successful builds for this platform.
    pub(super) fn usual(&self, platform: Platform) -> Option<Duration> {
        let mut all: Vec<Duration> = self.durations.get(&platform)?.iter().copied().collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }

    fn takers(&self) -> impl Iterator<Item = &Presence> {
        self.builders.values().filter(|presence| !presence.draining)
    }

    fn workers(&self) -> u32 {
        self.takers().map(|presence| presence.workers).sum()
    }
}

fn duration(build: &Build) -> Option<Duration> {
    let taken = build.finished()? - build.claimed()?;
    Duration::try_from(taken).ok()
}

/// What is left of a build that began then; never nothing, since it isn't done.
fn left(usual: Duration, since: OffsetDateTime, now: OffsetDateTime) -> Duration {
    let elapsed = Duration::try_from(now - since).unwrap_or_default();
    usual.saturating_sub(elapsed).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests;
