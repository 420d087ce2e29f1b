//! Counts the keys of records at the bucket's leader, so that a cache can tell whether it has all of them.

use futures::{StreamExt, TryStreamExt};

use crate::{Builds, Revision, StoreError, builds::RECORDS, follow::last, record::Slot};

/// Keys that are read at the same time.
const AT_ONCE: usize = 64;

/// How many keys of records there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCount {
    /// Keys, including those with the marker of a removal or an unreadable value.
    pub keys: u64,
    /// The last change of a record before they were counted.
    pub before: Revision,
    /// The last change afterwards. If it differs, the number is from a moment in between.
    pub after: Revision,
}

impl Builds {
    /// Counts the keys of records, without hints of open builds.
    pub async fn count_keys(&self) -> Result<KeyCount, StoreError> {
        let before = self.last_change().await?;
        let stream = self.bucket.stream_name();
        let filter = self.bucket.subject(RECORDS);
        let connection = self.bucket.connection();
        let keys = connection.count_subjects(&stream, &filter).await?;
        let after = self.last_change().await?;
        Ok(KeyCount {
            keys,
            before,
            after,
        })
    }

    /// The keys among these that hold nothing any more, not even the marker of a removal.
    pub async fn vacant_among(
        &self,
        keys: impl IntoIterator<Item = String>,
    ) -> Result<Vec<String>, StoreError> {
        let vacant = futures::stream::iter(keys)
            .map(async |key| match self.bucket.read::<String>(&key).await {
                Ok(Slot::Vacant) => Ok(Some(key)),
                Ok(Slot::Deleted(_) | Slot::Held(_) | Slot::Unreadable { .. }) => Ok(None),
                Err(error) => Err(error),
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>();
        Ok(vacant.await?.into_iter().flatten().collect())
    }

    /// The revision of the last change of any record.
    async fn last_change(&self) -> Result<Revision, StoreError> {
        last(&self.bucket.stream, &self.bucket.subject(RECORDS)).await
    }
}
