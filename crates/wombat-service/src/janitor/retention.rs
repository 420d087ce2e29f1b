//! Which binaries are removed: old ones always, and some if room is short: first those with modules from outside the
//! catalog, the youngest of them first, then the oldest of all. The record is marked first, then the objects are removed.

use std::time::Duration;

use time::OffsetDateTime;
use tracing::{info, warn};
use wombat_model::{ArtifactName, BuildKey};
use wombat_store::{Store, StoreError, Written};

use super::{
    damaged::unless_damaged,
    records::{Records, StoredBinary},
};
use crate::{ServiceArgs, catalog::Snapshot};

/// Above this, in percent of the bucket, binaries are removed however young they are, except those of the last few
/// minutes: a full bucket blocks every build, and a removed binary is built again on request.
const FULL_PERCENT: u64 = 95;
const YOUNGEST: Duration = Duration::from_mins(5);
/// Extra room to free, in percent of the bucket, so that it isn't needed again at once.
const SPARE_PERCENT: u64 = 5;

/// The operator's limits.
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
            keep: args.keep_for(),
            keep_at_least: args.keep_at_least,
            keep_percent: args.keep_percent.into(),
            orphan_age: args.orphan_age,
        }
    }

    /// Least age for removal from a full bucket: clients may still read a build that has just ended.
    pub(super) fn least_age(&self) -> Duration {
        self.keep_at_least.min(YOUNGEST)
    }
}

/// Bytes above the limit, if any.
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

/// Since when the result of a build whose record was removed is kept. `None`: room is short.
pub(super) async fn keeps_results_since(
    store: &Store,
    rules: &Rules,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, StoreError> {
    let is_short = excess(store, rules).await?.is_some();
    Ok((!is_short).then(|| now - rules.keep))
}

/// Removes binaries older than the operator's limit.
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
        if expire(store, key, known, kept_since).await? {
            info!(%key, "removed an old binary");
        }
    }
    Ok(())
}

/// Removes binaries until there is room, except those that are too young.
pub(super) async fn make_room(
    store: &Store,
    rules: &Rules,
    records: &Records,
    catalog: &Snapshot,
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
    for (key, known) in dispensable_first(records, catalog, kept_since) {
        if freed >= excess {
            break;
        }
        if expire(store, key, known, kept_since).await? {
            freed += known.size;
            removed += 1;
        }
    }
    if freed < excess {
        warn!(
            removed,
            "the bucket of binaries is almost full, and the remaining ones are too young to remove; raise its limit or lower --keep-at-least"
        );
    } else {
        info!(removed, bytes = freed, "made room for binaries");
    }
    Ok(())
}

/// The binaries that may be removed, the first to go first. Whoever fills the store with other modules gets rid of
/// the newest of them, not of what was there before.
fn dispensable_first<'a>(
    records: &'a Records,
    catalog: &Snapshot,
    kept_since: OffsetDateTime,
) -> impl Iterator<Item = (&'a BuildKey, &'a StoredBinary)> {
    let listed = catalog.listed_modules();
    let old = records.oldest_first().into_iter();
    let old = old.take_while(|(finished, _, _)| *finished < kept_since);
    let old = old.map(|(_, key, known)| (key, known));
    let (catalogued, others): (Vec<_>, Vec<_>) = old.partition(|(_, known)| {
        let mut modules = known.modules.iter();
        modules.all(|module| listed.contains(&module))
    });
    others.into_iter().rev().chain(catalogued)
}

/// Marks a build as expired and removes its objects; `false` if it changed meanwhile, or ended later than its record
/// says.
async fn expire(
    store: &Store,
    key: &BuildKey,
    known: &StoredBinary,
    kept_since: OffsetDateTime,
) -> Result<bool, StoreError> {
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
    let Some(published) = unless_damaged(key, store.publications.of(key).await)? else {
        return Ok(false);
    };
    let finished = published.finished();
    if finished.is_some_and(|finished| finished >= kept_since) {
        return Ok(false);
    }
    match store.expire(record).await? {
        Written::Lost => Ok(false),
        Written::Won(_) => {
            remove(store, key, &known.name).await?;
            Ok(true)
        }
    }
}

/// Removes a binary, its recipe and its link. If a crash interrupts this, the rest is removed as orphans.
async fn remove(store: &Store, key: &BuildKey, name: &ArtifactName) -> Result<(), StoreError> {
    store.artifacts.remove(name.as_str()).await?;
    store.artifacts.remove(&format!("{name}.recipe")).await?;
    store.artifacts.remove(key.as_str()).await
}
