//! The builds that wait, and the order in which a builder tries them.
//!
//! Eight builders see the same new build at the same moment. Whoever was given the fewest builds lately tries first,
//! the next one a little later, and so on; each sees the first one's claim before its own turn comes. When many wait,
//! each builder begins with those that its hash prefers, so that they don't all reach for the same one.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use sha2::Digest as _;
use time::OffsetDateTime;
use tokio::time::Instant;
use wombat_model::{Build, BuildKey, BuilderId, Status};
use wombat_store::{Revision, Versioned};

/// Time between one builder's turn and the next one's: longer than it takes a claim to be seen.
const TURN: Duration = Duration::from_millis(40);
/// How many of the oldest builds are looked at, per living builder.
const WINDOW: usize = 2;
/// How many of the last claims count as "lately", per living builder.
const LATELY: usize = 16;

#[derive(Debug)]
struct Waiting {
    record: Versioned<Build>,
    seen: Instant,
    not_before: Instant,
}

/// What a builder should do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Try this one, after a short random pause of at most so long.
    Try(Box<Versioned<Build>>, Duration),
    /// Look again at this time.
    Wait(Instant),
    /// Nothing waits.
    Nothing,
}

/// All builds that aren't finished.
#[derive(Debug, Default)]
pub(super) struct Board {
    waiting: BTreeMap<(OffsetDateTime, BuildKey), Waiting>,
    building: HashMap<BuildKey, Versioned<Build>>,
    places: HashMap<BuildKey, (OffsetDateTime, Revision)>,
    lately: VecDeque<BuilderId>,
}

impl Board {
    /// A record changed, or was told again. Older ones than known are dropped.
    pub(super) fn update(&mut self, key: BuildKey, record: Versioned<Build>, now: Instant) {
        if self
            .revision(&key)
            .is_some_and(|known| known >= record.revision)
        {
            return;
        }
        self.forget(&key);
        match record.value.status() {
            Status::New => {
                let place = (record.value.requested(), key.clone());
                self.places.insert(key, (place.0, record.revision));
                self.waiting.insert(
                    place,
                    Waiting {
                        record,
                        seen: now,
                        not_before: now,
                    },
                );
            }
            Status::Building => {
                self.lately
                    .extend(record.value.holder().map(|by| by.builder.clone()));
                self.building.insert(key, record);
            }
            Status::Success | Status::Failed | Status::Cancelled => {}
        }
    }

    fn revision(&self, key: &BuildKey) -> Option<Revision> {
        let building = self.building.get(key).map(|record| record.revision);
        building.or_else(|| self.places.get(key).map(|(_, revision)| *revision))
    }

    /// The build is gone, or somebody else has it.
    pub(super) fn forget(&mut self, key: &BuildKey) {
        self.building.remove(key);
        if let Some((requested, _)) = self.places.remove(key) {
            self.waiting.remove(&(requested, key.clone()));
        }
    }

    /// What was waiting at this revision isn't any more; the watch will tell what became of it.
    pub(super) fn over(&mut self, key: &BuildKey, revision: Revision) {
        if self
            .places
            .get(key)
            .is_some_and(|(_, known)| *known == revision)
        {
            self.forget(key);
        }
    }

    /// NATS didn't answer: not before this time again.
    pub(super) fn postpone(&mut self, key: &BuildKey, until: Instant) {
        if let Some((requested, _)) = self.places.get(key)
            && let Some(waiting) = self.waiting.get_mut(&(*requested, key.clone()))
        {
            waiting.not_before = until;
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self {
            lately: std::mem::take(&mut self.lately),
            ..Self::default()
        };
    }

    /// Builds that somebody is at.
    pub(super) fn building(&self) -> impl Iterator<Item = (&BuildKey, &Versioned<Build>)> {
        self.building.iter()
    }

    /// What to try. `alive`: every builder that claims, `me` among them; `taken`: what our workers are at.
    pub(super) fn choose(
        &mut self,
        me: &BuilderId,
        alive: &[BuilderId],
        taken: impl Fn(&BuildKey) -> bool,
        now: Instant,
    ) -> Choice {
        let alive = if alive.is_empty() {
            std::slice::from_ref(me)
        } else {
            alive
        };
        while self.lately.len() > LATELY * alive.len() {
            self.lately.pop_front();
        }
        let window = self
            .waiting
            .iter()
            .filter(|((_, key), _)| !taken(key))
            .take(WINDOW * alive.len());
        let mut best: Option<(usize, &Waiting)> = None;
        let mut earliest: Option<Instant> = None;
        for ((_, key), waiting) in window {
            let turn = u32::try_from(self.turn(me, alive, key)).unwrap_or(u32::MAX);
            let from = waiting.not_before.max(waiting.seen + TURN * turn);
            if from > now {
                earliest = Some(earliest.map_or(from, |known| known.min(from)));
                continue;
            }
            let liking = rank(me, alive, key);
            if best.is_none_or(|(known, _)| liking < known) {
                best = Some((liking, waiting));
            }
        }
        match (best, earliest) {
            (Some((liking, waiting)), _) => {
                let pause = if liking == 0 {
                    Duration::ZERO
                } else {
                    TURN / 4
                };
                Choice::Try(Box::new(waiting.record.clone()), pause)
            }
            (None, Some(instant)) => Choice::Wait(instant),
            (None, None) => Choice::Nothing,
        }
    }

    /// How many builders try this one before `me`: those with fewer builds lately, and of equals those that the
    /// hash puts first.
    fn turn(&self, me: &BuilderId, alive: &[BuilderId], key: &BuildKey) -> usize {
        let count =
            |builder: &BuilderId| self.lately.iter().filter(|other| *other == builder).count();
        let mine = (count(me), weight(me, key));
        alive
            .iter()
            .filter(|other| *other != me && (count(other), weight(other, key)) < mine)
            .count()
    }
}

/// How many builders the hash of this build puts before `me`.
fn rank(me: &BuilderId, alive: &[BuilderId], key: &BuildKey) -> usize {
    let mine = weight(me, key);
    alive
        .iter()
        .filter(|other| weight(other, key) < mine)
        .count()
}

/// The same on every builder.
fn weight(builder: &BuilderId, key: &BuildKey) -> [u8; 32] {
    sha2::Sha256::digest(format!("{builder} {key}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::go::main_file_tests::{CONNECT, spec};
    use wombat_model::Holder;

    fn build(name: &str, seconds: i64) -> Build {
        let requested = OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap();
        Build::new(
            spec(&[&format!("{CONNECT}/public/components/{name}")]),
            0,
            requested,
        )
    }

    fn at(value: Build, revision: u64) -> Versioned<Build> {
        Versioned {
            value,
            revision: Revision::new(revision),
        }
    }

    fn builders(count: usize) -> Vec<BuilderId> {
        (0..count)
            .map(|n| format!("b{n}").parse().unwrap())
            .collect()
    }

    fn tried(choice: Choice) -> Option<BuildKey> {
        match choice {
            Choice::Try(record, _) => Some(record.value.key()),
            Choice::Wait(_) | Choice::Nothing => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lone_builder_takes_the_oldest_at_once() {
        let mut board = Board::default();
        let me = &builders(1)[0];
        let now = Instant::now();
        for (revision, (name, seconds)) in [("late", 9), ("early", 1)].into_iter().enumerate() {
            let build = build(name, seconds);
            board.update(build.key(), at(build, revision as u64 + 1), now);
        }
        let first = tried(board.choose(me, &[], |_| false, now)).unwrap();
        assert_eq!(first, build("early", 1).key());
        let second = tried(board.choose(me, &[], |key| *key == first, now)).unwrap();
        assert_eq!(second, build("late", 9).key());
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_eight_tries_first_and_the_last_takes_over_in_the_end() {
        let alive = builders(8);
        let now = Instant::now();
        let new = build("nats", 0);
        let choices = |at_time: Instant| -> Vec<bool> {
            alive
                .iter()
                .map(|me| {
                    let mut board = Board::default();
                    board.update(new.key(), at(new.clone(), 1), now);
                    tried(board.choose(me, &alive, |_| false, at_time)).is_some()
                })
                .collect()
        };
        assert_eq!(choices(now).iter().filter(|tries| **tries).count(), 1);
        assert!(choices(now + TURN * 7).iter().all(|tries| *tries));
    }

    #[tokio::test(start_paused = true)]
    async fn shares_are_even_when_builds_come_one_by_one() {
        let alive = builders(8);
        let mut boards: Vec<Board> = alive.iter().map(|_| Board::default()).collect();
        let mut shares = vec![0; alive.len()];
        let now = Instant::now();
        for number in 0..200_u64 {
            let new = build(&format!("p{number}"), 0);
            for board in &mut boards {
                board.update(new.key(), at(new.clone(), 2 * number + 1), now);
            }
            let first: Vec<usize> = (0..alive.len())
                .filter(|index| {
                    tried(boards[*index].choose(&alive[*index], &alive, |_| false, now)).is_some()
                })
                .collect();
            let [winner] = first[..] else {
                panic!("{first:?} would all try")
            };
            shares[winner] += 1;
            let holder = Holder {
                builder: alive[winner].clone(),
                claim: "c".parse().unwrap(),
            };
            let held = new.claim(holder).unwrap();
            for board in &mut boards {
                board.update(held.key(), at(held.clone(), 2 * number + 2), now);
                board.forget(&held.key());
            }
        }
        assert!(
            shares.iter().all(|share| (20..=30).contains(share)),
            "{shares:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn many_waiting_builds_are_not_all_tried_in_the_same_order() {
        let alive = builders(8);
        let now = Instant::now();
        let mut firsts: Vec<BuildKey> = alive
            .iter()
            .map(|me| {
                let mut board = Board::default();
                for number in 0..64 {
                    let new = build(&format!("p{number}"), number);
                    board.update(new.key(), at(new, u64::try_from(number).unwrap() + 1), now);
                }
                tried(board.choose(me, &alive, |_| false, now + TURN * 8)).unwrap()
            })
            .collect();
        firsts.sort();
        firsts.dedup();
        assert!(firsts.len() >= 5, "{} different", firsts.len());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_old_or_lost_is_not_tried() {
        let mut board = Board::default();
        let me = &builders(1)[0];
        let now = Instant::now();
        let new = build("nats", 0);
        let held = new
            .clone()
            .claim(Holder {
                builder: me.clone(),
                claim: "c".parse().unwrap(),
            })
            .unwrap();
        board.update(new.key(), at(held, 2), now);
        board.update(new.key(), at(new.clone(), 1), now);
        assert_eq!(board.choose(me, &[], |_| false, now), Choice::Nothing);
        board.update(new.key(), at(new.clone(), 3), now);
        board.postpone(&new.key(), now + TURN);
        assert_eq!(
            board.choose(me, &[], |_| false, now),
            Choice::Wait(now + TURN)
        );
        board.over(&new.key(), Revision::new(2));
        assert!(tried(board.choose(me, &[], |_| false, now + TURN)).is_some());
        board.over(&new.key(), Revision::new(3));
        assert_eq!(
            board.choose(me, &[], |_| false, now + TURN),
            Choice::Nothing
        );
    }
}
