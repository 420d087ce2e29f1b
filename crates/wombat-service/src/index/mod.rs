//! The list of builds: a search index that follows the `builds` bucket.
//!
//! It is a cache in the instance's state directory. Each commit stores how far it got; if that doesn't fit the bucket
//! any more or a file is damaged, the index is rebuilt. Until it has caught up, it answers no requests.

mod absent;
mod blocks;
mod check;
mod cursor;
mod first;
mod follow;
mod hits;
mod list;
mod moment;
mod order;
mod problem;
mod query;
mod schema;
mod storage;
mod values;
mod words;

use std::sync::Arc;

use parking_lot::RwLock;
use tantivy::IndexReader;

pub(crate) use follow::start;
use schema::Fields;
use values::Values;

/// Shown by `build.health` while the index is in memory.
const IN_MEMORY: &str = "A service can't use its state directory and keeps its index of builds in memory: lists are complete, but it takes longer to start. See its log for the reason; free disk space or choose another directory with --state-dir, then restart it.";

/// The index, as requests use it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Builds {
    searchable: Arc<RwLock<Option<Searchable>>>,
}

/// An index that has caught up.
#[derive(Clone)]
struct Searchable {
    reader: IndexReader,
    values: Arc<Values>,
    fields: Fields,
    is_in_memory: bool,
}

impl std::fmt::Debug for Searchable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Searchable").finish_non_exhaustive()
    }
}

impl Builds {
    /// Whether it can answer.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.searchable().is_some()
    }

    /// Builds in it.
    pub(crate) fn count(&self) -> u64 {
        self.searchable()
            .map_or(0, |searchable| searchable.reader.searcher().num_docs())
    }

    /// Why it is in memory, and the fix. Clients see this text, so details are only in the log.
    pub(crate) fn trouble(&self) -> Option<String> {
        let searchable = self.searchable()?;
        searchable.is_in_memory.then(|| IN_MEMORY.to_owned())
    }

    /// `None` while it is catching up.
    fn searchable(&self) -> Option<Searchable> {
        self.searchable.read().clone()
    }

    fn publish(&self, searchable: Option<Searchable>) {
        *self.searchable.write() = searchable;
    }
}
