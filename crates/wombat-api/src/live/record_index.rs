//! The records that this process keeps, by build and by revision.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use wombat_model::BuildKey;

use super::record::Record;

/// Finished builds that are kept: a stream of all builds that resumes after more changes than that gets a reset.
const MAX_FINISHED: usize = 2_000;

/// Records by build, and their builds by revision.
#[derive(Debug, Default)]
pub(super) struct RecordIndex {
    records: HashMap<BuildKey, Arc<Record>>,
    by_revision: BTreeMap<u64, BuildKey>,
    finished: BTreeMap<u64, BuildKey>,
    /// Changes up to this revision may be missing.
    complete_after: u64,
}

impl RecordIndex {
    pub(super) fn get(&self, key: &BuildKey) -> Option<Arc<Record>> {
        self.records.get(key).cloned()
    }

    /// Up to `limit` records that changed after a revision, in the order of their changes.
    pub(super) fn after(&self, revision: u64, limit: usize) -> Vec<Arc<Record>> {
        self.by_revision
            .range(revision + 1..)
            .take(limit)
            .filter_map(|(_, key)| self.get(key))
            .collect()
    }

    /// Whether [`Self::after`] returns everything that changed after this revision.
    pub(super) fn has_all_after(&self, revision: u64) -> bool {
        revision >= self.complete_after
    }

    /// Changes up to this revision may be missing. Returns whether that is news.
    pub(super) fn lacks_up_to(&mut self, revision: u64) -> bool {
        let is_news = revision > self.complete_after;
        self.complete_after = self.complete_after.max(revision);
        is_news
    }

    pub(super) fn insert(&mut self, key: &BuildKey, record: &Arc<Record>) {
        self.remove(key);
        self.records.insert(key.clone(), Arc::clone(record));
        self.by_revision.insert(record.revision, key.clone());
        if record.is_terminal() {
            self.finished.insert(record.revision, key.clone());
        }
        while self.finished.len() > MAX_FINISHED
            && let Some((revision, key)) = self.finished.pop_first()
        {
            self.remove(&key);
            self.complete_after = self.complete_after.max(revision);
        }
    }

    pub(super) fn remove(&mut self, key: &BuildKey) {
        if let Some(old) = self.records.remove(key) {
            self.by_revision.remove(&old.revision);
            self.finished.remove(&old.revision);
        }
    }
}
