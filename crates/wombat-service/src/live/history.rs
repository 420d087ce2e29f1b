//! The newest builds and the times of their changes: enough to plot the last hours. All of it comes from records, so
//! that every instance answers the same, before and after a restart.

use std::collections::{BTreeMap, HashMap};

use time::{Duration, OffsetDateTime};
use wombat_model::{
    Build, BuildKey, Status, Timings,
    log::Phase,
    wire::{StatsAnswer, StatsPoint},
};

/// Builds that are remembered; as many are read at the start.
pub(super) const MOST: usize = 5_000;
/// Points of an answer.
const STEPS: u32 = 60;

/// The state and times of a build.
#[derive(Debug)]
struct HistoryEntry {
    revision: u64,
    status: Status,
    requested: OffsetDateTime,
    claimed: Option<OffsetDateTime>,
    finished: Option<OffsetDateTime>,
    timings: Timings,
}

impl HistoryEntry {
    /// Time of its last change.
    fn moment(&self) -> OffsetDateTime {
        let moments = [Some(self.requested), self.claimed, self.finished];
        moments
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(self.requested)
    }
}

/// The newest builds.
#[derive(Debug, Default)]
pub(super) struct History {
    builds: HashMap<BuildKey, HistoryEntry>,
    /// By revision, which grows.
    order: BTreeMap<u64, BuildKey>,
}

impl History {
    /// Adds a record, which must not be older than the one before of its build.
    pub(super) fn put(&mut self, build: &Build, revision: u64) {
        let key = build.key();
        self.remove(&key);
        let seen = HistoryEntry {
            revision,
            status: build.status(),
            requested: build.requested(),
            claimed: build.claimed(),
            finished: build.finished(),
            timings: build.timings().clone(),
        };
        self.order.insert(revision, key.clone());
        self.builds.insert(key, seen);
        if self.builds.len() > MOST
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.builds.remove(&oldest);
        }
    }

    /// Forgets a record.
    pub(super) fn remove(&mut self, key: &BuildKey) {
        if let Some(seen) = self.builds.remove(key) {
            self.order.remove(&seen.revision);
        }
    }

    /// Statistics of the minutes up to `now`, in steps that are aligned to the clock.
    pub(super) fn stats(&self, minutes: u32, now: OffsetDateTime) -> StatsAnswer {
        let step = i64::from(minutes) * 60 / i64::from(STEPS);
        let last = now.unix_timestamp().div_euclid(step) * step;
        let first = last - step * i64::from(STEPS - 1);
        let from = OffsetDateTime::from_unix_timestamp(first).unwrap_or(now);
        let end = |place: u32| (from + Duration::seconds(step * i64::from(place + 1))).min(now);
        let mut points = vec![StatsPoint::default(); STEPS as usize];
        let place = |moment: OffsetDateTime| {
            let steps = (moment.unix_timestamp() - first).div_euclid(step);
            u32::try_from(steps).ok().filter(|steps| *steps < STEPS)
        };
        let mut count = |moment: Option<OffsetDateTime>, field: fn(&mut StatsPoint) -> &mut u32| {
            if let Some(place) = moment.and_then(place) {
                *field(&mut points[place as usize]) += 1;
            }
        };
        let (mut phases, mut whole) = (BTreeMap::<Phase, Vec<u64>>::new(), Vec::new());
        for seen in self.builds.values() {
            count(Some(seen.requested), |point| &mut point.asked);
            match seen.status {
                Status::New | Status::Building => {}
                Status::Success => count(seen.finished, |point| &mut point.succeeded),
                Status::Failed => count(seen.finished, |point| &mut point.failed),
                Status::Cancelled => count(seen.finished, |point| &mut point.cancelled),
            }
            let succeeded = seen.finished.filter(|_| seen.status == Status::Success);
            if let Some(finished) = succeeded.filter(|finished| place(*finished).is_some()) {
                for (phase, taken) in &seen.timings {
                    phases.entry(*phase).or_default().push(*taken);
                }
                let taken = seen
                    .claimed
                    .map(|claimed| (finished - claimed).whole_milliseconds());
                whole.extend(taken.and_then(|taken| u64::try_from(taken).ok()));
            }
        }
        for (point, place) in points.iter_mut().zip(0..) {
            let moment = end(place);
            for seen in self.builds.values() {
                let (claimed, finished) = (seen.claimed, seen.finished);
                let began = claimed.or(finished);
                if seen.requested <= moment && began.is_none_or(|began| began > moment) {
                    point.waiting += 1;
                } else if claimed.is_some_and(|claimed| claimed <= moment)
                    && finished.is_none_or(|finished| finished > moment)
                {
                    point.building += 1;
                }
            }
        }
        let oldest = self.order.first_key_value();
        let oldest = oldest.and_then(|(_, key)| self.builds.get(key));
        StatsAnswer {
            from,
            step_seconds: u32::try_from(step).unwrap_or(u32::MAX),
            points,
            phases: phases
                .into_iter()
                .filter_map(|(phase, all)| Some((phase, median(all)?)))
                .collect(),
            median_ms: median(whole),
            truncated: self.builds.len() == MOST && oldest.is_some_and(|seen| seen.moment() > from),
        }
    }
}

fn median(mut all: Vec<u64>) -> Option<u64> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use wombat_model::{Artifact, ArtifactName, Failure, FailureClass, Holder, Sha256};
    use wombat_testkit::a_spec;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);

    fn at(seconds: i64) -> OffsetDateTime {
        NOON + Duration::seconds(seconds)
    }

    fn asked(name: &str, requested: i64) -> Build {
        Build::new(a_spec().package(name).build(), 1, at(requested))
    }

    fn claimed(build: Build, claimed: i64) -> Build {
        let holder = Holder {
            builder: "b".parse().unwrap(),
            claim: "c".parse().unwrap(),
        };
        build.claim(holder).unwrap().at(at(claimed))
    }

    fn succeeded(build: Build, finished: i64, link: u64) -> Build {
        let artifact = Artifact {
            name: ArtifactName::new(&build.key(), &"c".parse().unwrap()),
            size: 1,
            sha256: Sha256::from_bytes([0; 32]),
            builder: "b".parse().unwrap(),
            sandbox: None,
        };
        let timings = Timings::from([(Phase::Link, link)]);
        build.succeed(artifact, timings).unwrap().at(at(finished))
    }

    fn failed(build: Build, finished: i64) -> Build {
        let failure = Failure::new(FailureClass::Compile, "no");
        build.fail(failure).unwrap().at(at(finished))
    }

    #[test]
    fn every_build_is_counted_where_it_was() {
        let mut history = History::default();
        let all = [
            succeeded(claimed(asked("a", -3_000), -2_995), -2_985, 700),
            succeeded(claimed(asked("b", -125), -65), -5, 900),
            succeeded(claimed(asked("long-ago", -90_000), -90_000), -89_000, 9_999),
            failed(claimed(asked("c", -50), -40), -30),
            claimed(asked("d", -20), -10),
            asked("e", -1),
        ];
        for (build, revision) in all.iter().zip(1..) {
            history.put(build, revision);
        }
        let stats = history.stats(60, NOON + Duration::milliseconds(500));
        assert_eq!((stats.from, stats.step_seconds), (at(-59 * 60), 60));
        let sum = |field: fn(&StatsPoint) -> u32| stats.points.iter().map(field).sum::<u32>();
        assert_eq!(sum(|point| point.asked), 5);
        assert_eq!(
            [sum(|point| point.succeeded), sum(|point| point.failed)],
            [2, 1]
        );
        let last = stats.points.last().unwrap();
        assert_eq!([last.waiting, last.building, last.asked], [1, 1, 0]);
        let before = &stats.points[58];
        let counts = [
            before.asked,
            before.succeeded,
            before.failed,
            before.waiting,
            before.building,
        ];
        assert_eq!(counts, [3, 1, 1, 1, 1], "the minute before noon");
        assert_eq!([stats.points[56].waiting, stats.points[57].waiting], [1, 0]);
        assert_eq!(stats.phases, BTreeMap::from([(Phase::Link, 900)]));
        assert_eq!(stats.median_ms, Some(60_000));
        assert!(!stats.truncated);
        assert_eq!(history.stats(1_440, NOON).step_seconds, 1_440);
    }

    #[test]
    fn what_is_forgotten_is_said() {
        let mut history = History::default();
        for n in 0..=MOST {
            history.put(&asked(&format!("p{n}"), -10), n as u64 + 1);
        }
        let stats = history.stats(60, NOON);
        assert!(stats.truncated);
        assert_eq!(stats.points[58].asked, u32::try_from(MOST).unwrap());
        let key = asked("p7", 0).key();
        history.remove(&key);
        assert_eq!(history.builds.len(), MOST - 1);
        assert_eq!(history.order.len(), MOST - 1);
    }
}
