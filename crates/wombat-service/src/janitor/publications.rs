//! Compares records with what is published of their builds, and removes what is superseded.
//!
//! What is known here only selects builds: each is then compared by what the leaders have.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _};
use time::OffsetDateTime;
use tracing::info;
use wombat_model::{BuildKey, GrantResult};
use wombat_store::{Publication, REUSE, Revision, Settled, Store, StoreError, WatchEvent};

use super::{
    damaged::unless_damaged,
    fingerprint::{Fingerprint, fingerprint},
    records::Records,
};

/// Longest wait for the next value.
const PATIENCE: Duration = Duration::from_secs(30);
/// Builds that are compared concurrently: one that differs is looked at twice, with a pause in between.
const AT_ONCE: usize = 256;
/// Age from which a grant that wasn't used belongs to a service that was interrupted.
const UNUSED: Duration = Duration::from_mins(10);

/// The newest grant of a build.
#[derive(Clone, Copy, Debug)]
struct Known {
    number: u64,
    place: Revision,
    outcome: Outcome,
}

/// What came of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing yet.
    Open,
    /// No binary.
    Nothing,
    /// This binary.
    Binary(Fingerprint),
}

/// Something that may be removed once it is old enough.
#[derive(Debug)]
struct Superseded {
    key: BuildKey,
    /// Everything before this place.
    before: Revision,
    since: OffsetDateTime,
}

/// The newest grants of all builds.
#[derive(Debug, Default)]
pub(super) struct Publications {
    /// By the hash in the build's key.
    newest: HashMap<[u8; 32], Known>,
    /// Grants without a result, and when the server stored them.
    open: HashMap<BuildKey, OffsetDateTime>,
    superseded: VecDeque<Superseded>,
    created: i128,
    revision: Revision,
}

impl Publications {
    /// Applies what was published since the last call.
    pub(super) async fn catch_up(&mut self, store: &Store) -> Result<(), StoreError> {
        let (created, last) = store.publications.identity().await?;
        if created != self.created || last < self.revision {
            *self = Self {
                created,
                ..Self::default()
            };
        }
        let mut watcher = store.publications.watch_after(self.revision);
        loop {
            match tokio::time::timeout(PATIENCE, watcher.next()).await {
                Err(_) => {
                    let problem = "the watch of publications has stalled".to_owned();
                    return Err(StoreError::Unavailable(problem));
                }
                Ok(WatchEvent::Value {
                    record, written, ..
                }) => {
                    self.revision = self.revision.max(record.revision);
                    self.note(record.value, record.revision, written);
                }
                Ok(
                    WatchEvent::Removed { revision, .. } | WatchEvent::Unreadable { revision, .. },
                ) => {
                    self.revision = self.revision.max(revision);
                }
                Ok(WatchEvent::Ready) => return Ok(()),
                Ok(WatchEvent::Reset) => {
                    let problem = "the bucket was replaced while it was read".to_owned();
                    return Err(StoreError::Unavailable(problem));
                }
            }
        }
    }

    fn note(&mut self, publication: Publication, place: Revision, written: OffsetDateTime) {
        match publication {
            Publication::Grant { key, number, grant } => {
                let before = self.newest.get(&key.hash().to_bytes());
                if before.is_some_and(|before| before.number > number) {
                    return;
                }
                if before.is_some() {
                    self.supersede(key.clone(), place, written);
                }
                let outcome = if grant.closed {
                    // A closed grant is of no use once no process can write an older number.
                    self.supersede(key.clone(), Revision::new(place.get() + 1), written);
                    self.open.remove(&key);
                    Outcome::Nothing
                } else {
                    self.open.insert(key.clone(), written);
                    Outcome::Open
                };
                let known = Known {
                    number,
                    place,
                    outcome,
                };
                self.newest.insert(key.hash().to_bytes(), known);
            }
            Publication::Result {
                key,
                number,
                result,
            } => {
                if let Some(known) = self.newest.get_mut(&key.hash().to_bytes())
                    && known.number == number
                {
                    known.outcome = outcome(&result);
                    self.open.remove(&key);
                }
            }
            Publication::Other => {}
        }
    }

    fn supersede(&mut self, key: BuildKey, before: Revision, since: OffsetDateTime) {
        self.superseded.push_back(Superseded { key, before, since });
    }

    fn outcome(&self, key: &BuildKey) -> Option<Outcome> {
        let known = self.newest.get(&key.hash().to_bytes())?;
        Some(known.outcome)
    }
}

fn outcome(result: &GrantResult) -> Outcome {
    match &result.binary {
        Some(binary) => Outcome::Binary(fingerprint(&binary.artifact, binary.size, &binary.sha256)),
        None => Outcome::Nothing,
    }
}

/// Settles every build whose record doesn't seem to agree. The publications must be newer than the records.
pub(super) async fn agree(
    store: &Store,
    records: &Records,
    publications: &Publications,
) -> Result<(), StoreError> {
    let with_binary = records.with_binary.iter().filter(|(key, binary)| {
        // Builds that aren't a success may name a binary, too.
        let named = binary.finished.and(binary.fingerprint);
        let named = named.map(Outcome::Binary);
        named.is_none() || named != publications.outcome(key)
    });
    // The result of a binary that was removed is void.
    let without = records.without_binary.keys().filter(|key| {
        let outcome = publications.outcome(key);
        outcome.is_some_and(|outcome| outcome != Outcome::Nothing)
    });
    let open = records.open.iter();
    let open = open.filter(|key| publications.outcome(key) != Some(Outcome::Open));
    let keys = with_binary.map(|(key, _)| key).chain(without).chain(open);
    let keys: Vec<BuildKey> = keys.cloned().collect();
    let concluded = futures::stream::iter(keys)
        .map(async |key| unless_damaged(&key, store.settle(&key).await))
        .buffer_unordered(AT_ONCE)
        .try_fold(0_u32, async |sum, settled| {
            Ok(sum + u32::from(settled == Some(Settled::Concluded)))
        })
        .await?;
    if concluded > 0 {
        info!(concluded, "wrote results of builds that ended unnoticed");
    }
    Ok(())
}

/// Ends grants that a service wrote before it was interrupted, and removes what is superseded for long enough. `now` is
/// the server's time.
pub(super) async fn tidy(
    store: &Store,
    records: &Records,
    publications: &mut Publications,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let unused = publications
        .open
        .iter()
        .filter(|(key, granted)| **granted < now - UNUSED && !records.open.contains(*key));
    let unused: Vec<BuildKey> = unused.map(|(key, _)| key.clone()).collect();
    for key in &unused {
        let ended = store.end_unused_grant(key, now - UNUSED).await;
        if unless_damaged(key, ended)? == Some(true) {
            info!(%key, "ended a grant that wasn't used");
        }
    }
    while let Some(oldest) = publications.superseded.front()
        && oldest.since < now - REUSE
    {
        let Superseded { key, before, .. } = oldest;
        store.publications.forget_before(key, *before).await?;
        let hash = key.hash().to_bytes();
        let is_gone = |known: &Known| known.place < *before;
        if publications.newest.get(&hash).is_some_and(is_gone) {
            publications.newest.remove(&hash);
        }
        publications.superseded.pop_front();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wombat_model::Grant;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn key() -> BuildKey {
        let hash = "ab".repeat(32);
        format!("build.linux.amd64.1_26_8.{hash}").parse().unwrap()
    }

    fn grant(number: u64, closed: bool) -> Publication {
        Publication::Grant {
            key: key(),
            number,
            grant: Grant {
                after: 0,
                previous: None,
                closed,
            },
        }
    }

    fn nothing(number: u64) -> Publication {
        Publication::Result {
            key: key(),
            number,
            result: GrantResult {
                binary: None,
                finished: None,
            },
        }
    }

    #[test]
    fn the_newest_grant_counts_and_older_ones_are_removed_later() {
        let mut all = Publications::default();
        assert_eq!(all.outcome(&key()), None);
        all.note(grant(1, false), Revision::new(1), NOW);
        assert_eq!(all.outcome(&key()), Some(Outcome::Open));
        all.note(grant(2, false), Revision::new(2), NOW);
        // A late result of an older grant.
        all.note(nothing(1), Revision::new(3), NOW);
        assert_eq!(all.outcome(&key()), Some(Outcome::Open));
        assert_eq!((all.superseded.len(), all.open.len()), (1, 1));
        all.note(nothing(2), Revision::new(4), NOW);
        assert_eq!(all.outcome(&key()), Some(Outcome::Nothing));
        all.note(grant(3, true), Revision::new(5), NOW);
        let places: Vec<u64> = all.superseded.iter().map(|it| it.before.get()).collect();
        assert_eq!((places, all.open.len()), (vec![2, 5, 6], 0));
    }
}
