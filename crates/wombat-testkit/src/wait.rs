//! Waiting for a condition instead of a length of time.

use std::time::{Duration, Instant};

/// How often the condition is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks at `condition` until it gives a value, and fails after `limit` with what was waited for.
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
            "waited {limit:?} in vain for: {what}"
        );
        tokio::time::sleep(INTERVAL).await;
    }
}
