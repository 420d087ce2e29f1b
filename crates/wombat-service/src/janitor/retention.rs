//! Which binaries go: old ones always, and the oldest where room is short. The record says so first, then the objects go.

use std::time::Duration;

use time::OffsetDateTime;
use tracing::{info, warn};
use wombat_model::{ArtifactName, BuildKey};
use wombat_store::{Store, StoreError, Written};

use super::records::{Known, Records};
use crate::ServiceArgs;

/// Above this, in percent of the bucket, binaries go however young they are, but for the last few minutes' ones: no
/// room at all serves nobody, and what is asked for again is built again.
const FULL_PERCENT: u64 = 95;
const YOUNGEST: Duration = Duration::from_mins(5);
/// When room is made, this much more is made, in percent of the bucket, so that it isn't needed again at once.
const SPARE_PERCENT: u64 = 5;

/// What the operator wants kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    keep: Duration,
    keep_at_least: Duration,
    keep_percent: u64,
    pub(super) orphan_age: Duration,
}

impl Rules {
    pub(crate) fn of(args: &ServiceArgs) -> Self {
        Self {
            keep: Duration::from_hours(24 * args.keep_days),
            keep_at_least: Duration::from_secs(args.keep_at_least),
            keep_percent: args.keep_percent.into(),
            orphan_age: Duration::from_secs(args.orphan_age),
        }
    }

    /// How old has to be what goes for want of any room: people may still look at what ended just now.
    pub(super) fn least_age(&self) -> Duration {
        self.keep_at_least.min(YOUNGEST)
    }
}

/// Bytes above what may be used, if any.
pub(super) async fn excess(store: &Store, rules: &Rules) -> Result<Option<u64>, StoreError> {
    let (used, limit) = store.artifacts.usage().await?;
    let Some(limit) = limit else {
        return Ok(None);
    };
    let threshold = limit / 100 * rules.keep_percent;
    if used <= threshold {
        return Ok(None);
    }
    let target = threshold.saturating_sub(limit / 100 * SPARE_PERCENT);
    Ok(Some(used - target))
}

/// Removes binaries that have been kept long enough.
pub(super) async fn expire_old(
    store: &Store,
    rules: &Rules,
    now: OffsetDateTime,
    records: &Records,
) -> Result<(), StoreError> {
    let kept_since = now - rules.keep.max(rules.keep_at_least);
    for (finished, key, known) in records.oldest_first() {
        if finished >= kept_since {
            break;
        }
        if expire(store, key, known).await? {
            info!(%key, "removed a binary that was kept long enough");
        }
    }
    Ok(())
}

/// Removes the oldest binaries until there is room, but none that is too young for it.
pub(super) async fn make_room(
    store: &Store,
    rules: &Rules,
    records: &Records,
) -> Result<(), StoreError> {
    let Some(excess) = excess(store, rules).await? else {
        return Ok(());
    };
    let (used, limit) = store.artifacts.usage().await?;
    let is_full = limit.is_some_and(|limit| used > limit / 100 * FULL_PERCENT);
    let least = if is_full {
        rules.least_age()
    } else {
        rules.keep_at_least
    };
    let kept_since = store.builds.now().await? - least;
    let (mut freed, mut removed) = (0, 0_u32);
    for (finished, key, known) in records.oldest_first() {
        if freed >= excess || finished >= kept_since {
            break;
        }
        if expire(store, key, known).await? {
            freed += known.size;
            removed += 1;
        }
    }
    if freed < excess {
        warn!(
            removed,
            "the room for binaries is short, and what is left is too young to be removed"
        );
    } else {
        info!(removed, bytes = freed, "made room for binaries");
    }
    Ok(())
}

/// Marks a build as expired and removes its objects; `false` if it changed meanwhile.
async fn expire(store: &Store, key: &BuildKey, known: &Known) -> Result<bool, StoreError> {
    let record = match store.builds.get(key).await {
        Ok(Some(record)) => record,
        Ok(None) | Err(StoreError::Corrupt { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let unchanged = record
        .value
        .artifact()
        .is_some_and(|artifact| artifact.name == known.name);
    if !unchanged {
        return Ok(false);
    }
    match store.builds.expire(record).await? {
        Written::Lost => Ok(false),
        Written::Won(_) => {
            remove(store, key, &known.name).await?;
            Ok(true)
        }
    }
}

/// Removes a binary, its recipe and its link. What a crash leaves of them is removed as orphans.
async fn remove(store: &Store, key: &BuildKey, name: &ArtifactName) -> Result<(), StoreError> {
    store.artifacts.remove(name.as_str()).await?;
    store.artifacts.remove(&format!("{name}.recipe")).await?;
    store.artifacts.remove(key.as_str()).await
}
