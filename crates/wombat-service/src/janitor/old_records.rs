//! Frees room for records: removes the oldest finished builds without a binary before the bucket refuses new builds.

use tracing::{info, warn};
use wombat_store::{Purged, Settled, Store, StoreError};

use super::{damaged::unless_damaged, records::Records, retention::Rules};

/// How full the bucket may get, in percent: below the level at which new builds are refused.
const FULL: u64 = 85;
/// How full it is afterwards.
const TARGET: u64 = 80;

/// How many records to remove if room is short, by their average size.
pub(super) async fn excess(store: &Store) -> Result<Option<usize>, StoreError> {
    let (used, limit, messages) = store.builds.usage().await?;
    let Some(limit) = limit.filter(|limit| used.saturating_mul(100) > limit.saturating_mul(FULL))
    else {
        return Ok(None);
    };
    let average = (used / messages.max(1)).max(1);
    let bytes = used - limit / 100 * TARGET;
    Ok(Some(
        usize::try_from(bytes.div_ceil(average)).unwrap_or(usize::MAX),
    ))
}

/// Removes this many records, each with its log.
pub(super) async fn make_room(
    store: &Store,
    rules: &Rules,
    records: &Records,
    excess: usize,
) -> Result<(), StoreError> {
    let before = store.builds.now().await? - rules.least_age();
    let mut removed = 0;
    for key in records
        .without_binary_before(before)
        .into_iter()
        .take(excess)
    {
        match unless_damaged(key, store.settle(key).await)? {
            Some(Settled::Agrees | Settled::Concluded) => {}
            // It isn't what it seemed.
            Some(Settled::PutBack(_) | Settled::Changed) | None => continue,
        }
        if let Purged::Gone(_) = store.purge(key).await? {
            removed += 1;
        }
    }
    if removed < excess {
        warn!(
            removed,
            "the bucket of records is almost full, and its other finished builds are too young to remove or have a binary; raise its limit"
        );
    } else {
        info!(removed, "removed the oldest records without a binary");
    }
    Ok(())
}
