//! A builder that has to end says what it still has to say, and no longer than that takes.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long its last words may take; what is left then is done by others.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(5);

/// Waits until `hurry` has come, and the last words took too long.
pub(crate) async fn is_over(hurry: &CancellationToken) {
    hurry.cancelled().await;
    tokio::time::sleep(LAST_WORDS).await;
}
