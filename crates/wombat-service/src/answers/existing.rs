//! The record that a requested build has already.

use wombat_model::{Build, BuildKey, Refusal};
use wombat_store::{StoreError, Versioned};

use super::Answers;
use crate::refusal;

impl Answers {
    /// The record at the leader. `None`: there is none, or it is damaged, and a request takes its place.
    pub(super) async fn existing(
        &self,
        key: &BuildKey,
    ) -> Result<Option<Versioned<Build>>, Refusal> {
        match self.store.builds.get(key).await {
            Ok(record) => Ok(record),
            Err(StoreError::Corrupt { .. }) => Ok(None),
            Err(error) => Err(refusal::of_store(&error)),
        }
    }
}
