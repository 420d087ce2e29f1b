//! The packages of an import, as far as builders have come with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;
use wombat_model::{
    BuilderId, ImportPath,
    catalog::{ImportPart, ImportPlan, PackageOutcome, PartState, time_left},
};
use wombat_store::{Revision, Versioned, WatchEvent};

use super::{limits::PATIENCE, progress::Progress};

/// What a builder does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try to claim this package.
    Try(ImportPath),
    /// Wait for other builders, and look again at this time at the latest.
    Wait(Option<Instant>),
    /// All packages are done.
    Done,
}

/// The packages of an import.
#[derive(Debug)]
pub(super) struct PartBoard<'a> {
    plan: &'a ImportPlan,
    own: &'a BuilderId,
    packages: Vec<ImportPath>,
    parts: BTreeMap<ImportPath, Versioned<ImportPart>>,
    /// The packages of the keys that were seen.
    keys: BTreeMap<String, ImportPath>,
    /// Since when builders with claims are missing.
    missing: BTreeMap<BuilderId, Instant>,
    ready: bool,
}

impl<'a> PartBoard<'a> {
    /// With the packages in the order in which this builder tries them.
    pub(super) fn new(plan: &'a ImportPlan, own: &'a BuilderId, packages: Vec<ImportPath>) -> Self {
        Self {
            plan,
            own,
            packages,
            parts: BTreeMap::new(),
            keys: BTreeMap::new(),
            missing: BTreeMap::new(),
            ready: false,
        }
    }

    pub(super) fn note(&mut self, event: WatchEvent<ImportPart>) {
        match event {
            WatchEvent::Value { key, record, .. } => {
                self.keys.insert(key, record.value.path.clone());
                self.note_part(record);
            }
            WatchEvent::Removed { key, revision }
            | WatchEvent::Unreadable { key, revision, .. } => {
                if let Some(path) = self.keys.get(&key)
                    && self.known(path) < revision
                {
                    self.parts.remove(path);
                }
            }
            WatchEvent::Ready => self.ready = true,
            WatchEvent::Reset => {
                self.parts.clear();
                self.ready = false;
            }
        }
    }

    /// Notes a value, unless a later one is known.
    pub(super) fn note_part(&mut self, record: Versioned<ImportPart>) {
        let path = record.value.path.clone();
        if self.known(&path) < record.revision {
            self.parts.insert(path, record);
        }
    }

    fn known(&self, path: &ImportPath) -> Revision {
        let known = self.parts.get(path);
        known.map_or(Revision::ZERO, |known| known.revision)
    }

    fn part(&self, path: &ImportPath) -> Option<&ImportPart> {
        Some(&self.parts.get(path)?.value)
    }

    /// Whether what is stored of a package stands. A claim of this builder is left over: it works on one package at a
    /// time.
    pub(super) fn stands(&mut self, part: &ImportPart, alive: &BTreeSet<BuilderId>) -> bool {
        let now = Instant::now();
        let is_done = part.outcome_for(self.plan).is_some();
        let free = self.free_from(part.claimed_by(), is_done, alive, now);
        free.is_none_or(|from| from > now)
    }

    /// From when on a package may be claimed; `None` if it is done, or a builder that is alive works on it.
    fn free_from(
        &mut self,
        claimed_by: Option<&BuilderId>,
        is_done: bool,
        alive: &BTreeSet<BuilderId>,
        now: Instant,
    ) -> Option<Instant> {
        match claimed_by {
            Some(builder) if builder == self.own => Some(now),
            Some(builder) if alive.contains(builder) => {
                self.missing.remove(builder);
                None
            }
            Some(builder) => {
                // A builder with a late heartbeat may still be alive.
                let since = *self.missing.entry(builder.clone()).or_insert(now);
                Some(since + PATIENCE)
            }
            None if is_done => None,
            // It is of another import.
            None => Some(now),
        }
    }

    pub(super) fn next(&mut self, alive: &BTreeSet<BuilderId>, now: Instant) -> Next {
        if !self.ready {
            return Next::Wait(None);
        }
        let mut earliest: Option<Instant> = None;
        let mut all_done = true;
        for path in self.packages.clone() {
            let Some(part) = self.part(&path) else {
                return Next::Try(path);
            };
            let is_done = part.outcome_for(self.plan).is_some();
            let claimed_by = part.claimed_by().cloned();
            match self.free_from(claimed_by.as_ref(), is_done, alive, now) {
                Some(from) if from <= now => return Next::Try(path),
                Some(from) => {
                    all_done = false;
                    earliest = Some(earliest.map_or(from, |known| known.min(from)));
                }
                None => all_done &= is_done,
            }
        }
        if all_done {
            Next::Done
        } else {
            Next::Wait(earliest)
        }
    }

    /// The results, by package.
    pub(super) fn outcomes(&self) -> BTreeMap<ImportPath, PackageOutcome> {
        let found = |path: &ImportPath| {
            let outcome = self.part(path)?.outcome_for(self.plan)?.clone();
            Some((path.clone(), outcome))
        };
        self.packages.iter().filter_map(found).collect()
    }

    pub(super) fn progress(&self, alive: &BTreeSet<BuilderId>) -> Progress {
        let mut took = Vec::new();
        let mut workers = BTreeSet::new();
        for part in self.packages.iter().filter_map(|path| self.part(path)) {
            match &part.state {
                PartState::Done { took_ms, .. } if part.outcome_for(self.plan).is_some() => {
                    took.push(Duration::from_millis(*took_ms));
                }
                PartState::Claimed { builder } if alive.contains(builder) => {
                    workers.insert(builder);
                }
                PartState::Done { .. } | PartState::Claimed { .. } => {}
            }
        }
        let (done, of) = (took.len(), self.packages.len());
        Progress {
            done,
            of,
            left: time_left(&took, of - done, workers.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use wombat_testkit::an_import_plan;

    use super::*;

    fn plan() -> ImportPlan {
        ImportPlan {
            packages: ["d", "e"]
                .map(|name| (name.to_owned(), String::new()))
                .into(),
            ..an_import_plan("a.b/c")
        }
    }

    fn path(name: &str) -> ImportPath {
        format!("a.b/c/{name}").parse().unwrap()
    }

    fn put(board: &mut PartBoard<'_>, name: &str, state: PartState, revision: u64) {
        let value = ImportPart::of(board.plan, path(name), state);
        let revision = Revision::new(revision);
        board.note_part(Versioned { value, revision });
    }

    fn claimed(builder: &str) -> PartState {
        PartState::Claimed {
            builder: builder.parse().unwrap(),
        }
    }

    fn done(seconds: u64) -> PartState {
        PartState::Done {
            took_ms: seconds * 1000,
            outcome: PackageOutcome::Built(Box::default()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn packages_go_to_one_builder_each_and_those_of_a_dead_one_are_repeated() {
        let (plan, me) = (plan(), "me".parse().unwrap());
        let alive: BTreeSet<BuilderId> = ["me", "other"].map(|it| it.parse().unwrap()).into();
        let alone: BTreeSet<BuilderId> = ["me".parse().unwrap()].into();
        let now = Instant::now();
        let mut board = PartBoard::new(&plan, &me, vec![path("d"), path("e")]);
        assert_eq!(
            board.next(&alive, now),
            Next::Wait(None),
            "it isn't read yet"
        );
        board.note(WatchEvent::Ready);
        assert_eq!(board.next(&alive, now), Next::Try(path("d")));
        put(&mut board, "d", claimed("other"), 1);
        assert_eq!(board.next(&alive, now), Next::Try(path("e")));
        put(&mut board, "e", done(10), 2);
        assert_eq!(board.next(&alive, now), Next::Wait(None));
        let progress = board.progress(&alive);
        assert_eq!((progress.done, progress.of), (1, 2));
        assert_eq!(progress.left, Some(Duration::from_secs(10)));

        // The other builder is gone: a while later its package is free, and only that one.
        let later = now + PATIENCE;
        assert_eq!(board.next(&alone, now), Next::Wait(Some(later)));
        assert_eq!(board.next(&alone, later), Next::Try(path("d")));
        assert_eq!(board.next(&alive, later), Next::Wait(None), "it is back");
        put(&mut board, "d", claimed("me"), 3);
        assert_eq!(board.next(&alive, later), Next::Try(path("d")), "left over");
        put(&mut board, "d", done(20), 5);
        put(&mut board, "d", claimed("me"), 3);
        assert_eq!(
            board.next(&alive, later),
            Next::Done,
            "late news is no news"
        );
        assert_eq!(board.outcomes().len(), 2);
        assert_eq!(board.progress(&alive).left, Some(Duration::ZERO));
    }
}
