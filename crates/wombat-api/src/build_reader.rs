//! Reads builds: their records from the leader of the store, their views from the service.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::sleep;
use wombat_model::{
    BuildKey,
    wire::{BuildView, IdQuestion},
};
use wombat_store::{Builds, StoreError, read_or_seen};

use crate::{
    ApiError,
    gateway::{Gateway, parsed},
    live::{Record, RecordFollower, Records},
};

/// Pause between attempts of [`BuildReader::until_read`].
const RETRY: Duration = Duration::from_millis(500);

/// Reads builds. Cheap to clone.
#[derive(Clone)]
pub(crate) struct BuildReader {
    gateway: Gateway,
    builds: Builds,
    records: Arc<Records>,
}

impl BuildReader {
    pub(crate) fn new(gateway: Gateway, builds: Builds, records: Arc<Records>) -> Self {
        Self {
            gateway,
            builds,
            records,
        }
    }

    /// The newest record, from the leader of the stream. If the leader doesn't answer soon, such as during an election, the
    /// record that this process saw last: nothing can be written meanwhile.
    pub(crate) async fn record(&self, key: &BuildKey) -> Result<Arc<Record>, ApiError> {
        read_or_seen(self.newest(key), ApiError::is_unavailable, || {
            self.records.get(key)
        })
        .await
    }

    async fn newest(&self, key: &BuildKey) -> Result<Arc<Record>, ApiError> {
        let read = self.gateway.read(self.builds.get(key)).await?;
        let Some(record) = read else {
            return Err(ApiError::not_found(format!("There is no build `{key}`.")));
        };
        Ok(match self.records.get(key) {
            Some(seen) if seen.revision >= record.revision.get() => seen,
            Some(_) | None => {
                let is_new = self.records.has_all_after(record.revision.get() - 1);
                Record::new(record, is_new.then(Instant::now))
            }
        })
    }

    /// The leader's record; tries again until the leader answers. `None`: the record was removed or is corrupt.
    pub(crate) async fn until_read(&self, key: &BuildKey) -> Option<Arc<Record>> {
        loop {
            match self.builds.get(key).await {
                Ok(Some(record)) => return Some(Record::new(record, Some(Instant::now()))),
                Ok(None) | Err(StoreError::Corrupt { .. }) => return None,
                Err(_) => sleep(RETRY).await,
            }
        }
    }

    /// Follows the record of a build as this process sees it change.
    pub(crate) fn follow(&self, key: &BuildKey) -> RecordFollower {
        self.records.follow(key)
    }

    /// A build with its phase and its position in the queue, which only the service knows.
    pub(crate) async fn view(&self, key: &BuildKey) -> Result<BuildView, ApiError> {
        parsed(&self.answer(key).await?)
    }

    /// The same, in the bytes that the service sent.
    pub(crate) async fn answer(&self, key: &BuildKey) -> Result<Bytes, ApiError> {
        let question = IdQuestion { id: key.clone() };
        self.gateway.ask("build.get", &question).await
    }
}
