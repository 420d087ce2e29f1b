//! Room for what builders compile: the bucket takes nothing once it is full, so the oldest goes before it is.

use tracing::info;
use wombat_store::{Store, StoreError};

/// How full the bucket may get, in percent.
const FULL: u64 = 85;
/// Part of everything that goes then.
const PART: f64 = 0.3;

/// Removes the oldest part of what was compiled if there is little room left.
pub(super) async fn make_room(store: &Store) -> Result<(), StoreError> {
    let (used, limit) = store.gocache.usage().await?;
    let full = limit.is_some_and(|limit| used.saturating_mul(100) > limit.saturating_mul(FULL));
    if full {
        let values = store.gocache.remove_oldest(PART).await?;
        info!(used, values, "removed the oldest of what was compiled");
    }
    Ok(())
}
