//! The list of Go releases: one key of the `catalog` bucket. Services add what comes with the program, builders what the
//! module proxy has.

use wombat_model::catalog::GoReleases;

use crate::{Catalog, StoreError, Watcher, Written, follow::Start, record::Slot};

/// The key of the list.
const GO_RELEASES: &str = "go-releases";

impl Catalog {
    /// The list, from the leader; `None` if there is none that can be read.
    pub async fn go_releases(&self) -> Result<Option<GoReleases>, StoreError> {
        Ok(match self.bucket.read(GO_RELEASES).await? {
            Slot::Held(held) => Some(held.value),
            Slot::Vacant | Slot::Deleted(_) | Slot::Unreadable { .. } => None,
        })
    }

    /// Adds what `learnt` knows in addition, and returns the whole list. A list that can't be read is replaced.
    pub async fn add_go_releases(&self, learnt: &GoReleases) -> Result<GoReleases, StoreError> {
        loop {
            let slot = self.bucket.read::<GoReleases>(GO_RELEASES).await?;
            let (known, expected) = slot.into_parts();
            let known = known.unwrap_or_default();
            let mut list = known.clone();
            list.add_all(learnt);
            if list == known && expected.is_some() {
                return Ok(list);
            }
            let written = self.bucket.write(GO_RELEASES, list.clone(), expected);
            match written.await? {
                Written::Won(_) => return Ok(list),
                // Another process added something at the same time.
                Written::Lost => {}
            }
        }
    }

    /// Watches the list.
    pub fn watch_go_releases(&self) -> Watcher<GoReleases> {
        Watcher::start(&self.bucket, GO_RELEASES, Start::LastPerSubject)
    }
}
