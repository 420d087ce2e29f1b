//! The list of builds: an index that follows the `builds` bucket.
//!
//! It is a cache. It lies in the instance's state directory, says with each commit how far it got, and is made anew when
//! that doesn't fit the bucket any more or a file is damaged. Until it has caught up, nobody is answered from it.

mod blocks;
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
