//! Repairs the hints of open builds according to the records.

use std::{collections::BTreeSet, time::Duration};

use wombat_model::BuildKey;

use crate::{
    Builds, Revision, StoreError,
    open::{HintAge, clear, is_open, list, mark},
};

/// What was repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MendedHints {
    /// Open builds that had no hint.
    pub given: usize,
    /// Hints that outlived their builds.
    pub removed: usize,
}

impl Builds {
    /// Repairs hints according to the records: `open` are the builds that are believed to be open. A hint that is
    /// younger than `old`, by the server's clock, may belong to a build that is just being opened, and is kept.
    pub async fn mend_hints(
        &self,
        open: impl IntoIterator<Item = BuildKey>,
        old: Duration,
    ) -> Result<MendedHints, StoreError> {
        let hinted = list(&self.bucket.stream).await?.keys;
        let hinted: BTreeSet<BuildKey> = hinted.into_iter().collect();
        let old = HintAge::Before(self.now().await? - old);
        let mut mended = MendedHints::default();
        for key in open {
            let lacks_hint = !hinted.contains(&key)
                && match self.get(&key).await {
                    Ok(record) => record.is_some_and(|record| is_open(&record.value)),
                    Err(StoreError::Corrupt { .. }) => false,
                    Err(error) => return Err(error),
                };
            if lacks_hint {
                mark(&self.bucket, &key).await?;
                mended.given += 1;
            }
        }
        for key in &hinted {
            let end = match self.get(key).await {
                Ok(Some(record)) if is_open(&record.value) => continue,
                Ok(Some(record)) => record.revision,
                Ok(None) | Err(StoreError::Corrupt { .. }) => Revision::ZERO,
                Err(error) => return Err(error),
            };
            mended.removed += usize::from(clear(&self.bucket, key, end, old).await?);
        }
        Ok(mended)
    }
}
