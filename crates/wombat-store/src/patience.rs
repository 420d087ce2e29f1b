//! Waiting for a cluster that is still electing leaders, and reading without it.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, timeout};
use tracing::info;

use crate::{Connection, StoreError};

/// How long a role waits for a cluster that is still electing leaders.
pub const ELECTION_PATIENCE: Duration = Duration::from_secs(30);
/// How long a mere read waits for a leader if the answer is probably known from elsewhere.
const LEADER_PATIENCE: Duration = Duration::from_millis(400);
/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Retries `attempt` while it fails for a temporary reason, for about `patience`. Other errors are returned at once,
/// and so is a permission that the server refuses.
pub async fn patiently<T>(
    connection: &Connection,
    patience: Duration,
    attempt: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let until = Instant::now() + patience;
    connection.find_jetstream(patience).await?;
    let patience = until.saturating_duration_since(Instant::now());
    // A request that isn't permitted gets no response.
    tokio::select! {
        done = Box::pin(repeat(connection, patience, attempt)) => done,
        violation = connection.denied() => Err(StoreError::Denied(violation)),
    }
}

/// Reads from a leader. If it is unavailable or slow, as during an election, returns the value that was seen before, if
/// there is one: nothing is written meanwhile. Only for display; decisions must read from the leader.
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
    let mut is_logged = false;
    loop {
        let problem = match attempt().await {
            Err(StoreError::Unavailable(problem)) => problem,
            done => return done,
        };
        if connection.lacks_jetstream() {
            return Err(StoreError::NoJetStream(problem));
        }
        if Instant::now() + PAUSE > until {
            let words = connection.api.explained(problem);
            return Err(StoreError::Unavailable(words));
        }
        if !is_logged {
            info!(problem, "JetStream isn't ready; retrying for {patience:?}");
            is_logged = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
