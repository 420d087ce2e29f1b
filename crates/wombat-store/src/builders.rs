//! The `builders` bucket: builders that are alive. Keys expire by the server's clock alone.
//!
//! A builder's key is `<user>.<random>`, and its id `<user>-<random>`: the server lets each user write under its own
//! name only.

use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use wombat_model::{BuilderId, Presence, names::BUILDERS_BUCKET};

use crate::{
    Connection, StoreError, WatchEvent, Watcher,
    follow::Start,
    record::{Bucket, publish},
    roles::LOCK,
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
        let key = &key_of(&presence.builder);
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
        self.bucket.remove(&key_of(builder)).await
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

    /// Watches the present builders. Events have their ids as keys.
    pub fn watch(&self) -> Watcher<Presence> {
        Watcher::named(&self.bucket, ">", Start::LastPerSubject, id_at)
    }
}

/// The key of a builder.
fn key_of(builder: &BuilderId) -> String {
    let id = builder.as_str();
    match id.rsplit_once('-') {
        Some((user, random)) => format!("{user}.{random}"),
        None => id.to_owned(),
    }
}

/// The id of the builder at this key. `None`: a lock, or a key that no id has.
fn id_at(key: &str) -> Option<String> {
    match key.split_once('.') {
        // Of version 0.1.0.
        None => Some(key.to_owned()),
        Some((LOCK, _)) => None,
        Some((user, random)) => {
            let is_random = !random.contains(['.', '-']);
            is_random.then(|| format!("{user}-{random}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stands_under_one_user() {
        let id: BuilderId = "fox-2-a1b2".parse().unwrap();
        assert_eq!(key_of(&id), "fox-2.a1b2");
        assert_eq!(id_at("fox-2.a1b2").as_deref(), Some("fox-2-a1b2"));
        // Otherwise the user `fox` could be taken for `fox-2`.
        assert_eq!(id_at("fox.2-a1b2"), None);
        assert_eq!(id_at("lock.janitor"), None);
        assert_eq!(id_at("fox-a1b2").as_deref(), Some("fox-a1b2"));
    }
}
