//! Frees room in the compile cache: its bucket refuses writes once it is full, so the oldest entries are removed
//! before.

use tracing::info;
use wombat_store::{Store, StoreError};

/// How full the bucket may get, in percent.
const FULL: u64 = 85;
/// Share of the entries that is removed then.
const PART: f64 = 0.3;

/// Removes the oldest entries if little room is left.
pub(super) async fn make_room(store: &Store) -> Result<(), StoreError> {
    let (used, limit) = store.gocache.usage().await?;
    let full = limit.is_some_and(|limit| used.saturating_mul(100) > limit.saturating_mul(FULL));
    if full {
        let values = store.gocache.remove_oldest(PART).await?;
        info!(used, values, "evicted the oldest compile-cache entries");
    }
    Ok(())
}
