//! A lock among processes: one key of the `builders` bucket that expires unless it is renewed.
//!
//! It keeps several processes from doing the same job, but doesn't prove that only one does it: writes under the lock
//! must still be revision-checked.

use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;

use crate::{
    Builders, StoreError,
    error::PublishFailure,
    record::{Slot, publish},
    roles::LOCK,
};

/// How long a probe of acknowledgements is kept.
const PROBE_LIFE: Duration = Duration::from_mins(1);

/// The key of a lock: no user, and so no builder, has its first part as a name.
fn key_of(name: &str) -> String {
    format!("{LOCK}.{name}")
}

impl Builders {
    /// Takes the lock `name` for `owner`, or renews it, for `lease` (whole seconds, at least one). Returns whether the
    /// owner has it now.
    pub async fn hold_lock(
        &self,
        name: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        self.bucket.check_connection()?;
        let key = key_of(name);
        let expected = match self.bucket.read::<String>(&key).await? {
            Slot::Vacant => 0,
            Slot::Deleted(revision) | Slot::Unreadable { revision, .. } => revision.get(),
            Slot::Held(entry) if entry.value == owner => entry.revision.get(),
            Slot::Held(_) => return Ok(false),
        };
        let payload =
            serde_json::to_vec(owner).map_err(|error| StoreError::corrupt(&key, &error))?;
        let message = PublishMessage::build()
            .payload(Bytes::from(payload))
            .expected_last_subject_sequence(expected)
            .ttl(Duration::from_secs(lease.as_secs().max(1)));
        match publish(self.bucket.connection(), self.bucket.subject(&key), message).await {
            Ok(_) => Ok(true),
            Err(PublishFailure::LostRace) => Ok(false),
            Err(PublishFailure::Unknown(problem)) => Err(StoreError::Unavailable(problem)),
            Err(PublishFailure::Failed(error)) => Err(error),
        }
    }

    /// Whether the server acknowledges writes: after its disk was full, it answers reads but stores nothing until it is
    /// restarted. An error means that it doesn't answer at all.
    pub async fn acknowledges(&self) -> Result<bool, StoreError> {
        let key = &key_of("acknowledged");
        let expected = match self.bucket.read::<String>(key).await? {
            Slot::Vacant => 0,
            Slot::Deleted(revision) | Slot::Unreadable { revision, .. } => revision.get(),
            Slot::Held(entry) => entry.revision.get(),
        };
        let message = PublishMessage::build()
            .payload(Bytes::from_static(b"\"\""))
            .expected_last_subject_sequence(expected)
            .ttl(PROBE_LIFE);
        let bucket = &self.bucket;
        let outcome = publish(bucket.connection(), bucket.subject(key), message).await;
        match outcome {
            // Any response will do.
            Ok(_) | Err(PublishFailure::LostRace | PublishFailure::Failed(StoreError::Full(_))) => {
                Ok(true)
            }
            Err(PublishFailure::Unknown(_)) if bucket.connection().is_up() => Ok(false),
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// Releases a lock that this owner holds, so that others needn't wait until it expires. Only the revision that this
    /// owner wrote is removed: the lock may expire meanwhile, and belong to another owner by then.
    pub async fn release_lock(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        let key = key_of(name);
        match self.bucket.read::<String>(&key).await? {
            Slot::Held(entry) if entry.value == owner => {
                let _was_ours = self.bucket.remove_at(&key, entry.revision).await?;
                Ok(())
            }
            Slot::Held(_) | Slot::Vacant | Slot::Deleted(_) | Slot::Unreadable { .. } => Ok(()),
        }
    }
}
