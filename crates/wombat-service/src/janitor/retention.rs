//! Which binaries go: old ones always, and the oldest where room is short. The record says so first, then the objects go.

use std::time::Duration;

use time::OffsetDateTime;
use tracing::{info, warn};
use wombat_model::BuildKey;
use wombat_store::{Store, StoreError, Written};

use super::records::{Known, Records};
use crate::ServiceArgs;

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
    records: &Records,
) -> Result<(), StoreError> {
    let age = rules.keep.max(rules.keep_at_least);
    for (finished, key, known) in records.oldest_first() {
        if !is_older(finished, age) {
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
    let (mut freed, mut removed) = (0, 0_u32);
    for (finished, key, known) in records.oldest_first() {
        if freed >= excess || !is_older(finished, rules.keep_at_least) {
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

fn is_older(time: OffsetDateTime, age: Duration) -> bool {
    OffsetDateTime::now_utc() - time > age
}

/// Marks a build as expired and removes its objects; `false` if it changed meanwhile.
async fn expire(store: &Store, key: &BuildKey, known: &Known) -> Result<bool, StoreError> {
    let Some(record) = store.builds.get(key).await? else {
        return Ok(false);
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
            store.artifacts.remove(known.name.as_str()).await?;
            store.artifacts.remove(key.as_str()).await?;
            Ok(true)
        }
    }
}
