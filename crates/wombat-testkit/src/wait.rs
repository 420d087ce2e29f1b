//! Waiting for a condition instead of a length of time.

use std::time::{Duration, Instant};

/// How often the condition is checked.
const INTERVAL: Duration = Duration::from_millis(20);

/// Polls `condition` until it returns a value, and fails after `limit`, naming `what` it waited for.
pub async fn wait_until<T, C>(what: &str, limit: Duration, mut condition: C) -> anyhow::Result<T>
where
    C: AsyncFnMut() -> anyhow::Result<Option<T>>,
{
    let start = Instant::now();
    loop {
        if let Some(value) = condition().await? {
            return Ok(value);
        }
        anyhow::ensure!(
            start.elapsed() < limit,
            "timed out after {limit:?} waiting for {what}"
        );
        tokio::time::sleep(INTERVAL).await;
    }
}
