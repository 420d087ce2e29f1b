//! Which buckets don't acknowledge what they are sent, although the server answers: those that were written while its disk
//! was full stay closed until it is restarted, and it says so to no client.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use wombat_model::names::{LOGS_STREAM, LOGS_SUBJECT_PREFIX};

use crate::{Connection, error::PublishFailure};

/// Writes in a row that have to go unacknowledged, over this time: one alone may be a cluster that changes its leader.
const WRITES: u32 = 2;
const TIME: Duration = Duration::from_secs(4);

/// What is known of this connection's writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes(Arc<Mutex<BTreeMap<String, Silence>>>);

/// A bucket that didn't acknowledge the last writes.
#[derive(Clone, Copy, Debug)]
struct Silence {
    since: Instant,
    writes: u32,
}

impl Writes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Silence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of how a write ended that was begun at `begun`.
    pub(crate) fn note<T>(
        &self,
        subject: &str,
        begun: Instant,
        outcome: &Result<T, PublishFailure>,
    ) {
        let bucket = bucket_of(subject);
        match outcome {
            Err(PublishFailure::Unknown(_)) => {
                let mut silences = self.lock();
                let silence = silences.entry(bucket.to_owned()).or_insert(Silence {
                    since: begun,
                    writes: 0,
                });
                silence.writes += 1;
            }
            // Whatever the answer is, there is one.
            Ok(_) | Err(PublishFailure::LostRace | PublishFailure::Failed(_)) => {
                self.lock().remove(bucket);
            }
        }
    }

    /// Buckets that are silent since the connection came up.
    fn silent(&self, connected_since: Instant) -> Vec<String> {
        let mut silences = self.lock();
        silences.retain(|_, silence| silence.since >= connected_since);
        silences
            .iter()
            .filter(|(_, silence)| silence.writes >= WRITES && silence.since.elapsed() >= TIME)
            .map(|(bucket, _)| bucket.clone())
            .collect()
    }
}

impl Connection {
    /// Why NATS doesn't store what this connection sends, and what to do; `None`: it does, or isn't there at all.
    pub fn unacknowledged(&self) -> Option<String> {
        let connected_since = self.health().borrow().connected_since?;
        let silent = self.writes.silent(connected_since);
        (!silent.is_empty()).then(|| restart_nats(&silent))
    }
}

/// What to say when a server answers questions and acknowledges no writes.
pub fn restart_nats(buckets: &[String]) -> String {
    format!(
        "NATS answers, but doesn't acknowledge what it is sent for `{}`: its disk is or was full. Make room on it, then restart nats-server; until then nothing new is stored there.",
        buckets.join("`, `")
    )
}

/// What people call the bucket of a subject.
fn bucket_of(subject: &str) -> &str {
    if subject.starts_with(LOGS_SUBJECT_PREFIX) {
        return LOGS_STREAM;
    }
    let named = ["$KV.", "$O."]
        .iter()
        .find_map(|prefix| subject.strip_prefix(prefix));
    named.map_or(subject, |rest| rest.split('.').next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown() -> Result<(), PublishFailure> {
        Err(PublishFailure::Unknown("timed out".to_owned()))
    }

    #[test]
    fn a_bucket_is_silent_after_two_writes_in_vain_and_until_one_is_answered() {
        let writes = Writes::default();
        let Some(before) = Instant::now().checked_sub(TIME * 2) else {
            return;
        };
        writes.note("$KV.builds.build.a", before, &unknown());
        assert!(writes.silent(before).is_empty(), "one alone");
        writes.note("$KV.builds.open.b", Instant::now(), &unknown());
        writes.note("$O.artifacts.C.x", Instant::now(), &Ok(()));
        assert_eq!(writes.silent(before), ["builds"]);
        writes.note("$KV.builds.build.c", Instant::now(), &Ok(()));
        assert!(writes.silent(before).is_empty());
    }

    #[test]
    fn what_was_before_the_server_came_back_is_forgotten() {
        let writes = Writes::default();
        let Some(before) = Instant::now().checked_sub(TIME * 2) else {
            return;
        };
        for _ in 0..WRITES {
            writes.note("$KV.builders.lock.x", before, &unknown());
        }
        assert_eq!(writes.silent(before), ["builders"]);
        assert!(writes.silent(Instant::now()).is_empty());
        assert!(writes.silent(before).is_empty(), "for good");
    }

    #[test]
    fn subjects_lead_to_buckets() {
        for (subject, bucket) in [
            ("$KV.builds.build.linux", "builds"),
            ("$O.catalog-docs.M.x", "catalog-docs"),
            ("build.logs.linux.amd64", LOGS_STREAM),
        ] {
            assert_eq!(bucket_of(subject), bucket);
        }
    }
}
