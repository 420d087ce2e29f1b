//! Waiting for a JetStream that is there but doesn't take requests yet, and doing without it: a cluster that is still electing.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, timeout};
use tracing::info;

use crate::{Connection, StoreError};

/// How long a role waits for a cluster that is still electing.
pub const ELECTION_PATIENCE: Duration = Duration::from_secs(30);
/// How long whoever only looks waits for a leader, if what it would say is likely to be known.
const LEADER_PATIENCE: Duration = Duration::from_millis(400);
/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Repeats `attempt` while it fails for a reason that passes, for about `patience`. Other reasons come at once, and so
/// does a permission that the server refuses.
pub async fn patiently<T>(
    connection: &Connection,
    patience: Duration,
    attempt: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // A request that isn't permitted has no answer.
    tokio::select! {
        done = Box::pin(repeat(connection, patience, attempt)) => done,
        violation = connection.denied() => Err(StoreError::Denied(violation)),
    }
}

/// What is read from a leader. Where it is away or doesn't answer soon, as while one is elected, what was seen, if anything
/// was: nothing is written meanwhile. For whoever looks; what decides asks the leader alone.
pub async fn read_or_seen<T, E>(
    reading: impl Future<Output = Result<T, E>>,
    is_away: impl Fn(&E) -> bool,
    seen: impl FnOnce() -> Option<T>,
) -> Result<T, E> {
    let mut reading = pin!(reading);
    match timeout(LEADER_PATIENCE, &mut reading).await {
        Ok(Err(error)) if is_away(&error) => seen().ok_or(error),
        Ok(read) => read,
        Err(_) => match seen() {
            Some(seen) => Ok(seen),
            None => reading.await,
        },
    }
}

async fn repeat<T>(
    connection: &Connection,
    patience: Duration,
    mut attempt: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let until = Instant::now() + patience;
    let mut is_told = false;
    loop {
        let problem = match attempt().await {
            Err(StoreError::Unavailable(problem)) => problem,
            done => return done,
        };
        if connection.lacks_jetstream() {
            return Err(StoreError::NoJetStream(problem));
        }
        if Instant::now() + PAUSE > until {
            return Err(StoreError::Unavailable(problem));
        }
        if !is_told {
            info!(
                problem,
                "JetStream isn't ready; trying again for {patience:?}"
            );
            is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
