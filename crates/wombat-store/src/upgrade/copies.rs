//! Copies all objects of a store into another one, and compares the two.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _};
use parking_lot::Mutex;
use tracing::warn;

use super::{UpgradeError, progress::Progress};
use crate::{
    StoreError, StoredObject,
    objects::{Copied, Listed, Objects, StoredEntry},
};

/// Objects at the same time: enough to hide round trips, few enough for a replicated stream.
const AT_ONCE: usize = 4;

/// Two stores, the second of which gets what the first has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    pub(super) source: &'a Objects,
    pub(super) target: &'a Objects,
    /// The bucket, as the operator and the entries name it.
    pub(super) bucket: &'static str,
    /// For the log.
    pub(super) step: &'static str,
}

/// Objects that the source itself doesn't have whole.
pub(super) type Damaged = BTreeSet<String>;

impl Pair<'_> {
    /// Copies everything that the target lacks. Returns what can't be copied, which is logged.
    pub(super) async fn copy(&self) -> Result<Damaged, UpgradeError> {
        let failed = UpgradeError::of(self.bucket);
        let Listed {
            entries,
            unreadable,
        } = self.source.list_entries().await.map_err(failed)?;
        for problem in unreadable {
            warn!(
                bucket = self.bucket,
                problem, "an entry can't be read; it is left out"
            );
        }
        let missing = self.missing(entries).await.map_err(failed)?;
        let objects = missing.iter().map(|entry| &entry.object);
        let progress = Progress::of(self.bucket, self.step, objects);
        let damaged = Mutex::new(Damaged::new());
        futures::stream::iter(&missing)
            .map(async |entry| {
                let (target, source) = (self.target, self.source);
                match target.copy_from(source, entry, self.bucket).await? {
                    Copied::Whole => {}
                    Copied::Damaged(problem) => {
                        let name = &entry.object.name;
                        warn!(
                            bucket = self.bucket,
                            name, problem, "an object is damaged; it is left out"
                        );
                        damaged.lock().insert(name.clone());
                    }
                }
                progress.note(&entry.object);
                Ok::<(), StoreError>(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
            .map_err(failed)?;
        Ok(damaged.into_inner())
    }

    /// The entries that the target doesn't have whole.
    async fn missing(&self, entries: Vec<StoredEntry>) -> Result<Vec<StoredEntry>, StoreError> {
        let there = by_name(self.target.list().await?);
        let counts = self.target.chunk_counts().await?;
        let is_missing = |entry: &StoredEntry| {
            there.get(&entry.object.name).is_none_or(|copy| {
                let is_whole = copy.link.is_some() || counts.are_all_of(copy);
                !is_whole || !same(copy, &entry.object)
            })
        };
        Ok(entries.into_iter().filter(is_missing).collect())
    }

    /// Checks that the target has everything whole: its entries and chunks at the leader, and every byte.
    pub(super) async fn compare(&self, damaged: &Damaged) -> Result<(), UpgradeError> {
        let failed = UpgradeError::of(self.bucket);
        let expected = self.source.list().await.map_err(failed)?;
        let there = by_name(self.target.list().await.map_err(failed)?);
        let counts = self.target.chunk_counts().await.map_err(failed)?;
        let expected: Vec<StoredObject> = expected
            .into_iter()
            .filter(|object| !damaged.contains(&object.name))
            .collect();
        let progress = Progress::of(self.bucket, "comparing", &expected);
        futures::stream::iter(&expected)
            .map(async |object| {
                let copy = there.get(&object.name).filter(|copy| same(copy, object));
                let is_whole = match copy {
                    None => false,
                    Some(link) if link.link.is_some() => true,
                    Some(copy) => {
                        counts.are_all_of(copy)
                            && self.target.reads_back(copy).await.map_err(failed)?
                    }
                };
                if !is_whole {
                    self.target.remove(&object.name).await.map_err(failed)?;
                    return Err(UpgradeError::Differs {
                        bucket: self.bucket,
                        name: object.name.clone(),
                    });
                }
                progress.note(object);
                Ok(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }
}

fn by_name(objects: Vec<StoredObject>) -> BTreeMap<String, StoredObject> {
    let named = objects.into_iter();
    named.map(|object| (object.name.clone(), object)).collect()
}

/// Whether a copy says the same as its source.
fn same(copy: &StoredObject, source: &StoredObject) -> bool {
    (copy.size, &copy.sha256, &copy.link) == (source.size, &source.sha256, &source.link)
}
