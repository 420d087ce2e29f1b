//! The waiting builds, and the order in which a builder tries them.
//!
//! All builders see a new build at the same moment. The one that was given the fewest builds lately tries first, the
//! next one a little later, and so on; each sees the first one's claim before its own turn. If many builds wait, each
//! builder prefers some by a hash, so that they don't all try the same one. Builders that lack a build's template have
//! no turn. Where only builds of the catalog may be taken, or are taken first, the others don't count.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use sha2::Digest as _;
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::debug;
use wombat_go::Origin;
use wombat_model::{Build, BuildKey, BuilderId, Status};
use wombat_store::{Revision, Versioned};

use super::roster::ClaimingBuilder;
use crate::lanes::Lane;

/// Time between one builder's turn and the next one's: longer than a claim takes to become visible.
const TURN: Duration = Duration::from_millis(40);
/// How many of the oldest builds are considered, per living builder.
const WINDOW: usize = 2;
/// How many of the latest claims count as "lately", per living builder.
const LATELY: usize = 16;

#[derive(Debug)]
struct Waiting {
    record: Versioned<Build>,
    origin: Origin,
    seen: Instant,
    not_before: Instant,
}

/// What a builder does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Try this one, after a random pause of at most this length.
    Try(Box<Versioned<Build>>, Duration),
    /// Choose again at this time.
    Wait(Instant),
    /// No build waits.
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
    /// Updates a build, whose modules come from there. Ignores revisions that are older than the known one, and waiting
    /// builds of unknown templates.
    pub(super) fn update(
        &mut self,
        key: BuildKey,
        record: Versioned<Build>,
        origin: Origin,
        now: Instant,
    ) {
        if self
            .revision(&key)
            .is_some_and(|known| known >= record.revision)
        {
            return;
        }
        self.forget(&key);
        let template = record.value.spec().template();
        match record.value.status() {
            Status::New if !template.is_known() => {
                debug!(%key, %template, "a build waits for a later version of the builder");
            }
            Status::New => {
                let place = (record.value.requested(), key.clone());
                self.places.insert(key, (place.0, record.revision));
                self.waiting.insert(
                    place,
                    Waiting {
                        record,
                        origin,
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

    /// Removes a build that is gone or claimed.
    pub(super) fn forget(&mut self, key: &BuildKey) {
        self.building.remove(key);
        if let Some((requested, _)) = self.places.remove(key) {
            self.waiting.remove(&(requested, key.clone()));
        }
    }

    /// Removes a build that was waiting at this revision; the watch reports its next state.
    pub(super) fn over(&mut self, key: &BuildKey, revision: Revision) {
        if self
            .places
            .get(key)
            .is_some_and(|(_, known)| *known == revision)
        {
            self.forget(key);
        }
    }

    /// Postpones the next try of a build until this time, since NATS didn't answer.
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

    /// Builds that a builder has claimed.
    pub(super) fn building(&self) -> impl Iterator<Item = (&BuildKey, &Versioned<Build>)> {
        self.building.iter()
    }

    /// Chooses the next build. `alive`: every builder that claims, perhaps with `me`; `taken`: builds of this builder's
    /// own workers.
    pub(super) fn choose(
        &mut self,
        me: &BuilderId,
        alive: &[ClaimingBuilder],
        lane: Lane,
        taken: impl Fn(&BuildKey) -> bool,
        now: Instant,
    ) -> Choice {
        let count = alive.len().max(1);
        while self.lately.len() > LATELY * count {
            self.lately.pop_front();
        }
        let is_of_catalog = |waiting: &Waiting| waiting.origin == Origin::Catalog;
        let free = || self.waiting.iter().filter(|((_, key), _)| !taken(key));
        let catalog_only = match lane {
            Lane::All => false,
            Lane::CatalogOnly => true,
            Lane::CatalogFirst => free().any(|(_, waiting)| is_of_catalog(waiting)),
        };
        let window = free()
            .filter(|(_, waiting)| !catalog_only || is_of_catalog(waiting))
            .take(WINDOW * count);
        let mut best: Option<(usize, &Waiting)> = None;
        let mut earliest: Option<Instant> = None;
        for ((_, key), waiting) in window {
            let rivals = rivals(me, alive, &waiting.record.value);
            let turn = u32::try_from(self.turn(me, &rivals, key)).unwrap_or(u32::MAX);
            let from = waiting.not_before.max(waiting.seen + TURN * turn);
            if from > now {
                earliest = Some(earliest.map_or(from, |known| known.min(from)));
                continue;
            }
            let liking = rank(me, &rivals, key);
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

    /// The number of builders that try this one before `me`: those with fewer builds lately, and among equals those
    /// with a smaller hash.
    fn turn(&self, me: &BuilderId, rivals: &[&BuilderId], key: &BuildKey) -> usize {
        let count =
            |builder: &BuilderId| self.lately.iter().filter(|other| *other == builder).count();
        let mine = (count(me), weight(me, key));
        rivals
            .iter()
            .filter(|other| (count(other), weight(other, key)) < mine)
            .count()
    }
}

/// The other builders that can claim this build.
fn rivals<'a>(me: &BuilderId, alive: &'a [ClaimingBuilder], build: &Build) -> Vec<&'a BuilderId> {
    let template = build.spec().template();
    alive
        .iter()
        .filter(|other| other.builder != *me && other.templates.contains(&template))
        .map(|other| &other.builder)
        .collect()
}

/// The number of builders with a smaller hash for this build than `me`.
fn rank(me: &BuilderId, rivals: &[&BuilderId], key: &BuildKey) -> usize {
    let mine = weight(me, key);
    rivals
        .iter()
        .filter(|other| weight(other, key) < mine)
        .count()
}

/// A hash that is the same on every builder.
fn weight(builder: &BuilderId, key: &BuildKey) -> [u8; 32] {
    sha2::Sha256::digest(format!("{builder} {key}")).into()
}

#[cfg(test)]
mod tests;
