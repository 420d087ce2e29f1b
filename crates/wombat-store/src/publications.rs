//! The `publications` bucket: grants, results, each written once by the service. `wombat_model` says what they mean.
//!
//! Numbers of grants only grow: each is one more than the newest, and none is freed within [`REUSE`], so a process that
//! stood still can't write an old one again.

use std::{sync::Arc, time::Duration};

use futures::future::try_join;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;
use wombat_model::{
    BuildKey, BuildPublications, Grant, GrantResult, NewestGrant, PublishedBinary,
    names::PUBLICATIONS_BUCKET,
};

use crate::{
    Connection, Revision, StoreError, Watcher, Written,
    follow::Start,
    open,
    publication::{GRANT, Publication, RESULT, name},
    record::Bucket,
    stored::{Readable, Stored},
};

/// Age up to which superseded grants and results stay.
pub const REUSE: Duration = Duration::from_hours(24);
/// The key that says that the successes of an older store have their results.
const ADOPTED: &str = "adopted";
/// How often a grant is tried while others grant the same build.
const MAX_RACES: u32 = 16;

/// Outcome of [`Publications::grant`].
pub(crate) enum Granted {
    /// The build may be opened.
    Granted,
    /// It has a result, so its record was removed without permission.
    Published(Box<BuildPublications>),
}

/// Grants and results.
#[derive(Clone, Debug)]
pub struct Publications {
    bucket: Arc<Bucket>,
}

impl Publications {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            bucket: Arc::new(Bucket::open(connection, PUBLICATIONS_BUCKET).await?),
        })
    }

    /// What is published of a build, from the leader. To compare it with a record, read the record first.
    pub async fn of(&self, key: &BuildKey) -> Result<BuildPublications, StoreError> {
        let (grant, result) = (self.last::<Grant>(GRANT, key), self.last(RESULT, key));
        // Large futures, which the caller's needn't contain.
        let (grant, result) = Box::pin(try_join(grant, result)).await?;
        let Some((number, grant, granted)) = grant else {
            return Ok(BuildPublications::default());
        };
        let result = match result {
            Some((of, result, _)) if of == number => Some(result),
            // Results may be written late, so the last one isn't always that of the newest grant.
            Some(_) => {
                let name = name(RESULT, key, number);
                let last = Box::pin(self.message(&name)).await?;
                last.map(|(_, result, _)| result)
            }
            None => None,
        };
        Ok(BuildPublications {
            newest: Some(NewestGrant {
                number,
                grant,
                granted,
                result,
            }),
        })
    }

    /// The last grant or result of a build, with its number and the server's time.
    async fn last<T: DeserializeOwned>(
        &self,
        kind: &str,
        key: &BuildKey,
    ) -> Result<Option<(u64, T, OffsetDateTime)>, StoreError> {
        self.message(&format!("{kind}{key}.*")).await
    }

    async fn message<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<(u64, T, OffsetDateTime)>, StoreError> {
        let subject = self.bucket.subject(key);
        let Some(message) = open::last(&self.bucket.stream, &subject).await? else {
            return Ok(None);
        };
        let number = message.subject.rsplit('.').next();
        let number = number.and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| StoreError::corrupt(key, "it has no number"))?;
        let value = serde_json::from_slice(&message.payload)
            .map_err(|error| StoreError::corrupt(key, &error))?;
        Ok(Some((number, value, message.time)))
    }

    /// Lets a build be built once: its record, of the revision `after`, is about to be opened. `is_removed`: there is no
    /// record, unless it is to be made again.
    pub(crate) async fn grant(
        &self,
        key: &BuildKey,
        after: Option<Revision>,
        is_removed: bool,
    ) -> Result<Granted, StoreError> {
        // Most builds without a record are new.
        let mut published = match after {
            None => BuildPublications::default(),
            Some(_) => self.of(key).await?,
        };
        let after = after.map_or(0, Revision::get);
        for _ in 0..MAX_RACES {
            // Another instance is about to open it, too, or was interrupted.
            if published.awaits(after) {
                return Ok(Granted::Granted);
            }
            if is_removed && !published.is_open() && published.binary().is_some() {
                return Ok(Granted::Published(Box::new(published)));
            }
            let (number, grant) = published.next(after);
            if self.write(&name(GRANT, key, number), grant).await? {
                return Ok(Granted::Granted);
            }
            published = self.of(key).await?;
        }
        Err(StoreError::Unavailable(format!(
            "too many processes grant `{key}` at the same time"
        )))
    }

    /// Gives a build of an older store its first grant, unless it has one. Returns whether it had none.
    pub(crate) async fn grant_first(
        &self,
        key: &BuildKey,
        previous: Option<PublishedBinary>,
    ) -> Result<bool, StoreError> {
        let (number, grant) = BuildPublications::default().next(0);
        let grant = Grant { previous, ..grant };
        self.write(&name(GRANT, key, number), grant).await
    }

    /// Lets nothing be built or served any more, unless another grant comes first. `published` is what is known. Returns
    /// whether none came.
    pub(crate) async fn close(
        &self,
        key: &BuildKey,
        published: &BuildPublications,
        after: Revision,
    ) -> Result<bool, StoreError> {
        let (number, grant) = published.next(after.get());
        let closed = Grant {
            previous: None,
            closed: true,
            ..grant
        };
        self.write(&name(GRANT, key, number), closed).await
    }

    /// Writes the result of a grant. Returns whether it had none.
    pub(crate) async fn conclude(
        &self,
        key: &BuildKey,
        number: u64,
        result: GrantResult,
    ) -> Result<bool, StoreError> {
        self.write(&name(RESULT, key, number), result).await
    }

    /// Whether the builds of an older store have their grants and results.
    pub(crate) async fn has_adopted(&self) -> Result<bool, StoreError> {
        let subject = self.bucket.subject(ADOPTED);
        Ok(open::last(&self.bucket.stream, &subject).await?.is_some())
    }

    pub(crate) async fn note_adopted(&self) -> Result<(), StoreError> {
        self.write(ADOPTED, Adopted {}).await.map(drop)
    }

    /// Writes a key that doesn't exist. Returns whether it did not.
    async fn write<T: Stored>(&self, key: &str, value: T) -> Result<bool, StoreError> {
        let written = self.bucket.write(key, value, None).await?;
        Ok(matches!(written, Written::Won(_)))
    }

    /// Removes newest grants and results of a build that can't be read, until those in front of them can. Returns whether
    /// there were any. Only the key of a service can write such.
    pub(crate) async fn remove_unreadable(&self, key: &BuildKey) -> Result<bool, StoreError> {
        let mut found = false;
        for kind in [GRANT, RESULT] {
            let prefix = self.bucket.subject("");
            let all = format!("{prefix}{kind}{key}.*");
            while let Some(message) = open::last(&self.bucket.stream, &all).await? {
                let own = message.subject.strip_prefix(&prefix).unwrap_or_default();
                let read = Publication::decode(own, &message.payload, message.time);
                if let Ok(Publication::Grant { .. } | Publication::Result { .. }) = read {
                    break;
                }
                found = true;
                let purge = self.bucket.stream.purge();
                let unreadable = purge.filter(message.subject.as_str());
                unreadable.await.map_err(|error| StoreError::of(&error))?;
            }
        }
        Ok(found)
    }

    /// Removes what was published of a build before this place.
    pub async fn forget_before(&self, key: &BuildKey, place: Revision) -> Result<(), StoreError> {
        let filter = self.bucket.subject(&format!("*.{key}.*"));
        let purge = self.bucket.stream.purge().filter(filter);
        let old = purge.sequence(place.get());
        old.await.map_err(|error| StoreError::of(&error))?;
        Ok(())
    }

    /// Watches what was published after `after`, or everything.
    pub fn watch_after(&self, after: Revision) -> Watcher<Publication> {
        let start = if after == Revision::ZERO {
            Start::LastPerSubject
        } else {
            Start::After(after)
        };
        Watcher::start(&self.bucket, ">", start)
    }

    /// When the bucket was created, in nanoseconds since 1970, and its last revision.
    pub async fn identity(&self) -> Result<(i128, Revision), StoreError> {
        let info = self.bucket.info().await?;
        Ok((info.created.unix_timestamp_nanos(), info.last()))
    }
}

/// The value of [`ADOPTED`].
#[derive(Serialize, Deserialize)]
struct Adopted {}

impl Readable for Adopted {
    fn decode(_: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        serde_json::from_slice(payload).map_err(|error| error.to_string())
    }
}

impl Stored for Adopted {}
