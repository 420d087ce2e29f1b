//! Waits for a time that may be unknown.

use tokio::time::Instant;

/// Resolves at `instant`; never for `None`.
pub(crate) async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
