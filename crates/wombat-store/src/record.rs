//! A key-value bucket read from its leader and written by revision.
//!
//! The client's own `Store` reads from any replica and can't tell a lost race from other refusals on replicated
//! streams, so this uses the bucket's stream directly. The format on disk is the same.

use std::time::{Duration, Instant};

use async_nats::jetstream::{
    self,
    message::{PublishMessage, StreamMessage},
    stream::{LastRawMessageErrorKind, Stream},
};
use bytes::Bytes;
use tracing::debug;
use wombat_model::names::BUILDERS_BUCKET;

use crate::{
    Connection, Revision, StoreError, Versioned, Written,
    error::{PublishFailure, sort_publish_error},
    info::StreamInfo,
    stored::{Readable, Stored},
};

/// What a key holds.
pub(crate) enum Slot<T> {
    /// Nothing; it was never written, expired, or was deleted long ago.
    Vacant,
    /// Nothing; it was deleted. A new value must name this revision.
    Deleted(Revision),
    /// A value.
    Held(Versioned<T>),
    /// Something that isn't a valid value of this key.
    Unreadable {
        revision: Revision,
        problem: StoreError,
        /// Whether a newer version wrote it.
        is_newer: bool,
    },
}

impl<T> Slot<T> {
    /// The value, if there is one that can be read, and the revision that the next write must name.
    pub(crate) fn into_parts(self) -> (Option<T>, Option<Revision>) {
        match self {
            Self::Held(Versioned { value, revision }) => (Some(value), Some(revision)),
            Self::Deleted(revision) | Self::Unreadable { revision, .. } => (None, Some(revision)),
            Self::Vacant => (None, None),
        }
    }
}

/// A key-value bucket, accessed through its stream.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    connection: Connection,
    pub(crate) stream: Stream,
    name: &'static str,
}

/// Header by which a bucket marks a deletion.
pub(crate) const OPERATION_HEADER: &str = "KV-Operation";
/// Header of the marker that the server leaves where a value expired.
const MARKER_HEADER: &str = "Nats-Marker-Reason";

/// How long a deleted key leaves a marker: an index that was down for less can catch up.
const MARKER: Duration = Duration::from_hours(168);
/// The same for builders and locks, whose values expire anyway.
const SHORT_MARKER: Duration = Duration::from_mins(1);

/// Whether a message of a bucket is a deletion rather than a value.
pub(crate) fn is_deletion(headers: &async_nats::HeaderMap) -> bool {
    headers
        .get(OPERATION_HEADER)
        .is_some_and(|value| matches!(value.as_str(), "DEL" | "PURGE"))
        || headers.get(MARKER_HEADER).is_some()
}

impl Bucket {
    pub(crate) async fn open(
        connection: &Connection,
        name: &'static str,
    ) -> Result<Self, StoreError> {
        let stream = open_stream(connection.jetstream(), &format!("KV_{name}"), name).await?;
        Ok(Self {
            connection: connection.clone(),
            stream,
            name,
        })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The info of its stream, from the leader.
    pub(crate) async fn info(&self) -> Result<StreamInfo, StoreError> {
        self.connection.stream_info(&self.stream_name()).await
    }

    /// The name of the stream below it.
    pub(crate) fn stream_name(&self) -> String {
        format!("KV_{}", self.name)
    }

    /// Fails while the connection is down: the client would send the message after reconnecting, when its sender has
    /// given up.
    pub(crate) fn check_connection(&self) -> Result<(), StoreError> {
        if self.connection.is_up() {
            return Ok(());
        }
        Err(StoreError::Unavailable("the connection is down".to_owned()))
    }

    pub(crate) fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    /// Reads from the leader, which has the newest acknowledged write.
    pub(crate) async fn read<T: Readable>(&self, key: &str) -> Result<Slot<T>, StoreError> {
        Ok(match self.last(key).await? {
            Some(message) => slot(key, &message),
            None => Slot::Vacant,
        })
    }

    /// The last message of a key, from the leader.
    async fn last(&self, key: &str) -> Result<Option<StreamMessage>, StoreError> {
        match self
            .stream
            .get_last_raw_message_by_subject(&self.subject(key))
            .await
        {
            Ok(message) => Ok(Some(message)),
            Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => {
                Ok(None)
            }
            Err(error) => Err(StoreError::of(&error)),
        }
    }

    /// Writes `value` if the key's last write is still `expected` (`None`: never written). If the acknowledgement is
    /// lost, the value at the leader decides.
    pub(crate) async fn write<T: Stored>(
        &self,
        key: &str,
        value: T,
        expected: Option<Revision>,
    ) -> Result<Written<T>, StoreError> {
        self.check_connection()?;
        if let Some(problem) = value.refuses_to_be_written() {
            return Err(StoreError::corrupt(key, &problem));
        }
        let payload = value
            .encode()
            .map_err(|error| StoreError::corrupt(key, &error))?;
        let payload = Bytes::from(payload);
        let message = PublishMessage::build()
            .payload(payload.clone())
            .expected_last_subject_sequence(expected.map_or(0, Revision::get));
        let won = |revision| {
            // The acknowledgement doesn't have the time of the write; readers get it from the message.
            let value = value.stored_at(self.connection.server_time());
            Written::Won(Versioned { value, revision })
        };
        match publish(&self.connection, self.subject(key), message).await {
            Ok(revision) => Ok(won(revision)),
            Err(PublishFailure::LostRace) => Ok(Written::Lost),
            Err(PublishFailure::Unknown(problem)) => {
                debug!(key, problem, "a write wasn't acknowledged; reading it back");
                match self.last(key).await? {
                    Some(message)
                        if message.payload == payload && !is_deletion(&message.headers) =>
                    {
                        Ok(won(Revision::new(message.sequence)))
                    }
                    Some(message)
                        if !is_deletion(&message.headers)
                            && Some(Revision::new(message.sequence)) != expected =>
                    {
                        Ok(Written::Lost)
                    }
                    // Nothing changed yet, but the write may still be on its way.
                    Some(_) | None => Err(StoreError::Unavailable(problem)),
                }
            }
            Err(PublishFailure::Failed(error)) => Err(error),
        }
    }

    /// Removes a key if its last write is still `expected`. Returns whether it was.
    pub(crate) async fn remove_at(
        &self,
        key: &str,
        expected: Revision,
    ) -> Result<bool, StoreError> {
        self.check_connection()?;
        let message = self.marker().expected_last_subject_sequence(expected.get());
        match publish(&self.connection, self.subject(key), message).await {
            Ok(_) => Ok(true),
            Err(PublishFailure::LostRace) => Ok(false),
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// Removes a key, whatever it holds.
    pub(crate) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        match publish(&self.connection, self.subject(key), self.marker()).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// The message of a deletion. It takes the place of the key's only value, so no rollup is needed.
    fn marker(&self) -> PublishMessage {
        let message = PublishMessage::build().header(OPERATION_HEADER, "PURGE");
        if !self.stream.cached_info().config.allow_message_ttl {
            return message;
        }
        message.ttl(if self.name == BUILDERS_BUCKET {
            SHORT_MARKER
        } else {
            MARKER
        })
    }
}

fn slot<T: Readable>(key: &str, message: &StreamMessage) -> Slot<T> {
    let revision = Revision::new(message.sequence);
    if is_deletion(&message.headers) {
        return Slot::Deleted(revision);
    }
    match T::decode(key, &message.payload, message.time) {
        Ok(value) => Slot::Held(Versioned { value, revision }),
        Err(problem) => Slot::Unreadable {
            revision,
            problem: StoreError::corrupt(key, &problem),
            is_newer: T::is_newer(&message.payload),
        },
    }
}

/// Publishes and waits for the acknowledgement.
pub(crate) async fn publish(
    connection: &Connection,
    subject: String,
    message: PublishMessage,
) -> Result<Revision, PublishFailure> {
    let begun = Instant::now();
    let written = async {
        let sent = connection
            .jetstream()
            .send_publish(subject.clone(), message);
        let acknowledgement = sent.await.map_err(|error| sort_publish_error(&error))?;
        let acknowledgement = acknowledgement.await;
        acknowledgement.map_err(|error| sort_publish_error(&error))
    };
    let written = written.await;
    connection.writes.note(&subject, begun, &written);
    Ok(Revision::new(written?.sequence))
}

/// Opens a stream; `shown` is its name in errors.
pub(crate) async fn open_stream(
    jetstream: &jetstream::Context,
    name: &str,
    shown: &'static str,
) -> Result<Stream, StoreError> {
    jetstream
        .get_stream(name)
        .await
        .map_err(|error| match crate::error::server_code(&error) {
            Some(jetstream::ErrorCode::STREAM_NOT_FOUND) => StoreError::Missing(shown),
            Some(_) | None => StoreError::of(&error),
        })
}
