//! The list of builds: an index that follows the `builds` bucket.
//!
//! It is a cache. It lies in the instance's state directory, says with each commit how far it got, and is made anew when
//! that doesn't fit the bucket any more or a file is damaged. Until it has caught up, nobody is answered from it.

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
mod query;
mod schema;
mod storage;
mod values;
mod words;

use std::sync::{Arc, PoisonError, RwLock};

use tantivy::IndexReader;

pub(crate) use follow::start;
use schema::Fields;
use values::Values;

/// What is said while it can't be kept in its folder.
const IN_MEMORY: &str = "A service can't use its folder and keeps its index of builds in memory: lists are whole, and it takes longer to start. Its log says why; make room there, or give it another folder with --state-dir, and start it again.";

/// The index, for those who ask it.
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
    /// Whether it answers.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.searchable().is_some()
    }

    /// Builds in it.
    pub(crate) fn count(&self) -> u64 {
        self.searchable()
            .map_or(0, |searchable| searchable.reader.searcher().num_docs())
    }

    /// Why it isn't in its folder, and what to do; the log says more than strangers need to know.
    pub(crate) fn trouble(&self) -> Option<String> {
        let searchable = self.searchable()?;
        searchable.is_in_memory.then(|| IN_MEMORY.to_owned())
    }

    /// `None` while it is catching up.
    fn searchable(&self) -> Option<Searchable> {
        self.searchable
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn publish(&self, searchable: Option<Searchable>) {
        *self
            .searchable
            .write()
            .unwrap_or_else(PoisonError::into_inner) = searchable;
    }
}
