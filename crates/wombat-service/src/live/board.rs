//! The queue in memory: what waits, what is being built, and how long builds take.
//!
//! Times are taken from records, which other hosts wrote; nothing but estimates hangs on them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use time::OffsetDateTime;
use wombat_model::{Build, BuildKey, BuildState, BuilderId, Platform, Presence, wire::Queue};
use wombat_store::Versioned;

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
        self.remove(&key);
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
    fn usual(&self, platform: Platform) -> Option<Duration> {
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
mod tests {
    use time::macros::datetime;
    use wombat_model::{Artifact, ArtifactName, Holder, Sha256, Timings};
    use wombat_store::Revision;
    use wombat_testkit::a_spec;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

    fn at(seconds: i64) -> OffsetDateTime {
        START + time::Duration::seconds(seconds)
    }

    fn waiting(name: &str, asked: i64) -> Build {
        Build::new(a_spec().package(name).build(), 1, at(asked))
    }

    fn running(name: &str, asked: i64, claimed: i64) -> Build {
        let holder = Holder {
            builder: "b".parse().unwrap(),
            claim: "c".parse().unwrap(),
        };
        waiting(name, asked).claim(holder, at(claimed)).unwrap()
    }

    fn done(name: &str, claimed: i64, finished: i64) -> Build {
        let build = running(name, claimed, claimed);
        let artifact = Artifact {
            name: ArtifactName::new(&build.key(), &"c".parse().unwrap()),
            size: 1,
            sha256: Sha256::from_bytes([0; 32]),
            builder: "b".parse().unwrap(),
        };
        build
            .succeed(artifact, Timings::new(), at(finished))
            .unwrap()
    }

    fn builder(name: &str, workers: u32) -> Presence {
        Presence {
            builder: name.parse().unwrap(),
            host: "h".into(),
            version: "0".into(),
            workers,
            active: Vec::new(),
            go: None,
            draining: false,
            lease_ms: 1000,
        }
    }

    fn board(builds: &[Build]) -> Board {
        let mut board = Board::default();
        for (index, build) in builds.iter().enumerate() {
            board.apply(&record(build.clone(), index as u64 + 1));
        }
        board
    }

    fn record(value: Build, revision: u64) -> Versioned<Build> {
        Versioned {
            value,
            revision: Revision::new(revision),
        }
    }

    #[test]
    fn the_first_to_ask_is_first() {
        let board = board(&[waiting("late", 9), waiting("early", 1), waiting("same", 9)]);
        let position = |name: &str| {
            let key = a_spec().package(name).build().key();
            board.outlook(&key, at(10)).queue.unwrap().position
        };
        assert_eq!(
            [position("early"), position("late"), position("same")],
            [1, 2, 3]
        );
    }

    #[test]
    fn estimates_come_from_like_builds() {
        let mut board = board(&[
            done("d1", 0, 10),
            done("d2", 0, 20),
            done("d3", 0, 300),
            running("r", 0, 95),
            waiting("w1", 1),
            waiting("w2", 2),
        ]);
        let key = |name: &str| a_spec().package(name).build().key();
        let now = at(100);
        assert_eq!(
            board.outlook(&key("r"), now).eta,
            Some(Duration::from_secs(15))
        );
        assert_eq!(
            board.outlook(&key("w2"), now).eta,
            None,
            "nobody is there to build it"
        );
        board.arrive(builder("one", 1));
        let outlook = board.outlook(&key("w2"), now);
        assert_eq!(outlook.eta, Some(Duration::from_secs(15 + 20 + 20)));
        assert_eq!(outlook.queue.unwrap().builders, 1);
        board.arrive(builder("two", 4));
        assert_eq!(
            board.outlook(&key("w2"), now).eta,
            Some(Duration::from_secs(7 + 20))
        );
        board.leave(&"two".parse().unwrap());
        let elsewhere = "darwin/arm64".parse().unwrap();
        assert_eq!(
            board.wait_for_new(elsewhere, now),
            Duration::from_secs(15 + 40) + UNKNOWN
        );
    }

    #[test]
    fn finished_builds_leave_and_old_news_is_ignored() {
        let mut board = board(&[waiting("w", 1)]);
        let key = a_spec().package("w").build().key();
        board.apply(&record(running("w", 1, 2), 7));
        board.note(&record(waiting("w", 1), 3));
        assert_eq!(board.outlook(&key, at(3)).queue, None);
        board.apply(&record(done("w", 2, 3), 9));
        board.note(&record(waiting("w", 1), 3));
        assert!(board.open.is_empty() && board.waiting.is_empty() && board.running.is_empty());
    }
}
