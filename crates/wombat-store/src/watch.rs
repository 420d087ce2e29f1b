//! Watches a bucket: its content first, then every change. Unreadable values are delivered as such.

use std::{collections::BTreeMap, marker::PhantomData, time::Duration};

use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{
    Connection, Revision, Versioned,
    expiring::{Expired, Expiring},
    follow::{FollowEvent, Follower, Start},
    message::StreamedMessage,
    record::{Bucket, is_deletion},
    stored::Readable,
};

/// What a watcher delivers.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchEvent<T> {
    /// A key has this value now. Values in between may have been skipped.
    Value {
        /// The key.
        key: String,
        /// Its value.
        record: Versioned<T>,
        /// When the server stored it.
        written: OffsetDateTime,
    },
    /// A key was deleted, or expired.
    Removed {
        /// The key.
        key: String,
        /// Revision of the deletion, or of the value that expired.
        revision: Revision,
    },
    /// A key holds something now that isn't a valid value. It is logged once for each such write.
    Unreadable {
        /// The key.
        key: String,
        /// Revision of that write.
        revision: Revision,
        /// Why it isn't valid.
        problem: String,
    },
    /// Everything that existed at the start has been delivered.
    Ready,
    /// The bucket was replaced: everything delivered before is void, and the new content follows.
    Reset,
}

/// A running watch; dropping it ends it.
#[derive(Debug)]
pub struct Watcher<T> {
    connection: Connection,
    follower: Follower,
    expiring: Expiring,
    /// Whether what existed at the start has been delivered.
    caught_up: bool,
    prefix: usize,
    /// The key as events have it; `None`: it isn't watched.
    name: fn(&str) -> Option<String>,
    complete_after: Revision,
    value: PhantomData<fn() -> T>,
}

impl<T: Readable> Watcher<T> {
    pub(crate) fn start(bucket: &Bucket, keys: &str, start: Start) -> Self {
        Self::named(bucket, keys, start, |key| Some(key.to_owned()))
    }

    /// The same with other names than the keys.
    pub(crate) fn named(
        bucket: &Bucket,
        keys: &str,
        start: Start,
        name: fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            name,
            connection: bucket.connection().clone(),
            follower: Follower::start(
                bucket.connection(),
                &bucket.stream,
                bucket.subject(keys),
                start,
            ),
            expiring: Expiring::of(&bucket.stream),
            caught_up: false,
            complete_after: Revision::ZERO,
            prefix: bucket.subject("").len(),
            value: PhantomData,
        }
    }

    /// The next event. Never ends; safe to drop between polls.
    pub async fn next(&mut self) -> WatchEvent<T> {
        loop {
            let event = tokio::select! {
                event = self.follower.next() => event,
                expired = self.expiring.next() => {
                    if let Some(event) = self.removed(&expired) {
                        return event;
                    }
                    continue;
                }
            };
            match event {
                Some(FollowEvent::Message(message)) => {
                    let server_time = (!self.caught_up).then(|| self.connection.server_time());
                    self.expiring.note(&message, server_time);
                    if let Some(event) = self.read(&message) {
                        return event;
                    }
                }
                Some(FollowEvent::CompleteAfter(revision)) => self.complete_after = revision,
                Some(FollowEvent::CaughtUp) => {
                    self.caught_up = true;
                    return WatchEvent::Ready;
                }
                Some(FollowEvent::Reset) => {
                    self.caught_up = false;
                    self.expiring.clear();
                    self.complete_after = Revision::ZERO;
                    return WatchEvent::Reset;
                }
                // The follower only ends when its runtime does.
                None => std::future::pending().await,
            }
        }
    }

    /// The keys that hold something that can't be read now, and why. If nothing comes for as long as `patience`, those
    /// that were delivered until then.
    pub async fn unreadable(mut self, patience: Duration) -> BTreeMap<String, String> {
        let mut unreadable = BTreeMap::new();
        while let Ok(event) = timeout(patience, self.next()).await {
            match event {
                WatchEvent::Unreadable { key, problem, .. } => {
                    unreadable.insert(key, problem);
                }
                WatchEvent::Value { key, .. } | WatchEvent::Removed { key, .. } => {
                    unreadable.remove(&key);
                }
                WatchEvent::Reset => unreadable.clear(),
                WatchEvent::Ready => break,
            }
        }
        unreadable
    }

    /// Every key that was written after this revision is delivered; of the earlier ones perhaps only some.
    pub fn complete_after(&self) -> Revision {
        self.complete_after
    }

    fn removed(&self, expired: &Expired) -> Option<WatchEvent<T>> {
        Some(WatchEvent::Removed {
            key: (self.name)(expired.subject.get(self.prefix..)?)?,
            revision: expired.revision,
        })
    }

    fn read(&self, message: &StreamedMessage) -> Option<WatchEvent<T>> {
        let key = (self.name)(message.subject.get(self.prefix..)?)?;
        let revision = message.sequence;
        if is_deletion(&message.headers) {
            return Some(WatchEvent::Removed { key, revision });
        }
        match T::decode(&key, &message.payload, message.time) {
            Ok(value) => Some(WatchEvent::Value {
                key,
                record: Versioned { value, revision },
                written: message.time,
            }),
            Err(problem) => {
                let complaints = &self.connection.complaints;
                complaints.say(&key, revision, &problem, T::IF_UNREADABLE);
                Some(WatchEvent::Unreadable {
                    key,
                    revision,
                    problem,
                })
            }
        }
    }
}
