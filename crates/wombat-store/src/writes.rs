//! Buckets that don't acknowledge writes although the server answers: a bucket that was written while the server's disk
//! was full accepts nothing until the server is restarted, and clients get no error.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use wombat_model::names::{LOGS_STREAM, LOGS_SUBJECT_PREFIX};

use crate::error::PublishFailure;

/// How many writes in a row, over which time, must go unacknowledged: a single one may meet a change of leader.
const WRITES: u32 = 2;
const TIME: Duration = Duration::from_secs(4);

/// The buckets that didn't acknowledge this connection's last writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes(Arc<Mutex<BTreeMap<String, Silence>>>);

/// A bucket that didn't acknowledge the last writes.
#[derive(Clone, Copy, Debug)]
struct Silence {
    since: Instant,
    writes: u32,
}

impl Writes {
    /// Records the outcome of a write that began at `begun`.
    pub(crate) fn note<T>(
        &self,
        subject: &str,
        begun: Instant,
        outcome: &Result<T, PublishFailure>,
    ) {
        let bucket = bucket_of(subject);
        match outcome {
            Err(PublishFailure::Unknown(_)) => {
                let mut silences = self.0.lock();
                let silence = silences.entry(bucket.to_owned()).or_insert(Silence {
                    since: begun,
                    writes: 0,
                });
                silence.writes += 1;
            }
            // Any response will do.
            Ok(_) | Err(PublishFailure::LostRace | PublishFailure::Failed(_)) => {
                self.0.lock().remove(bucket);
            }
        }
    }

    /// Buckets that have been silent since the connection came up.
    pub(crate) fn silent(&self, connected_since: Instant) -> Vec<String> {
        let mut silences = self.0.lock();
        silences.retain(|_, silence| silence.since >= connected_since);
        silences
            .iter()
            .filter(|(_, silence)| silence.writes >= WRITES && silence.since.elapsed() >= TIME)
            .map(|(bucket, _)| bucket.clone())
            .collect()
    }
}

/// The message about a server that answers requests and acknowledges no writes.
pub fn restart_nats(buckets: &[String]) -> String {
    format!(
        "NATS answers, but doesn't acknowledge writes to `{}`: its disk is or was full. Free disk space, then restart nats-server; until then nothing new is stored there.",
        buckets.join("`, `")
    )
}

/// The name of a subject's bucket or stream.
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
