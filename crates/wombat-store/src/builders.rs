//! The `builders` bucket: builders that are alive. Keys expire by the server's clock alone.

use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use wombat_model::{BuilderId, Presence, names::BUILDERS_BUCKET};

use crate::{
    Connection, StoreError, WatchEvent, Watcher,
    follow::Start,
    record::{Bucket, publish},
};

/// Longest wait for the next entry of the list.
const PATIENCE: Duration = Duration::from_secs(10);

/// Presence of builders.
#[derive(Clone, Debug)]
pub struct Builders {
    pub(crate) bucket: Bucket,
}

impl Builders {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            bucket: Bucket::open(connection, BUILDERS_BUCKET).await?,
        })
    }

    /// Writes a builder's heartbeat, which lives for `lease` (whole seconds, at least one).
    pub async fn renew(&self, presence: &Presence, lease: Duration) -> Result<(), StoreError> {
        self.bucket.check_connection()?;
        let key = presence.builder.as_str();
        let payload =
            serde_json::to_vec(presence).map_err(|error| StoreError::corrupt(key, &error))?;
        let lease = Duration::from_secs(lease.as_secs().max(1));
        let message = PublishMessage::build()
            .payload(Bytes::from(payload))
            .ttl(lease);
        match publish(self.bucket.connection(), self.bucket.subject(key), message).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// Removes a builder that shuts down.
    pub async fn leave(&self, builder: &BuilderId) -> Result<(), StoreError> {
        self.bucket.remove(builder.as_str()).await
    }

    /// The longest lease of all present builders; zero if there are none.
    pub async fn longest_lease(&self) -> Result<Duration, StoreError> {
        let mut watcher = self.watch();
        let mut longest = 0;
        loop {
            match tokio::time::timeout(PATIENCE, watcher.next()).await {
                Ok(WatchEvent::Value { record, .. }) => {
                    longest = longest.max(record.value.lease_ms);
                }
                Ok(WatchEvent::Removed { .. } | WatchEvent::Unreadable { .. }) => {}
                Ok(WatchEvent::Ready) => return Ok(Duration::from_millis(longest)),
                Ok(WatchEvent::Reset) => longest = 0,
                Err(_) => {
                    let problem = "the list of builders timed out".to_owned();
                    return Err(StoreError::Unavailable(problem));
                }
            }
        }
    }

    /// Watches the present builders. Keys with more than one part are locks, not builders.
    pub fn watch(&self) -> Watcher<Presence> {
        Watcher::start(&self.bucket, "*", Start::LastPerSubject)
    }
}
