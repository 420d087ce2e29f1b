//! A forced stop: the grace time is over, so the builder only tries its final writes for a short time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Time limit of the final writes; other builders take over what is left.
pub(crate) const FINAL_WRITES: Duration = Duration::from_secs(5);

/// Resolves when `force_stop` is cancelled and the time for final writes is over.
pub(crate) async fn time_is_up(force_stop: &CancellationToken) {
    force_stop.cancelled().await;
    tokio::time::sleep(FINAL_WRITES).await;
}
