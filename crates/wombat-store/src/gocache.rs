//! The `gocache` bucket: the compile cache that all builders share. Values are written once, never changed, and expire.
//!
//! A key-value bucket whose stream refuses a second value of a key. Many values are fetched with one request: over a
//! slow link, a round trip for each of some thousand values would take longer than compiling.

use std::time::Duration;

use async_nats::{HeaderMap, Message, jetstream::message::PublishMessage};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde::Serialize;
use tracing::debug;
use wombat_model::names::GOCACHE_BUCKET;

use crate::{
    Connection, StoreError,
    error::PublishFailure,
    record::{Bucket, publish},
};

/// Longest wait for a response before the bucket counts as unavailable: the builder could compile instead.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most values in the server's response to one request.
const MOST_ANSWERS: usize = 1024;
/// Room in a message for its headers and subject.
const ENVELOPE: usize = 4096;

/// Whether a value was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// It was stored.
    Stored,
    /// The key had one already, which is kept.
    AlreadyThere,
}

/// The compile cache of all builders.
#[derive(Clone, Debug)]
pub struct GoCache {
    bucket: Bucket,
}

#[derive(Serialize)]
struct BatchRequest<'a> {
    multi_last: &'a [String],
    batch: usize,
}

impl GoCache {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            bucket: Bucket::open(connection, GOCACHE_BUCKET).await?,
        })
    }

    /// The largest value that the server accepts, in bytes.
    pub fn largest(&self) -> usize {
        let limit = self.bucket.connection().client().max_payload();
        limit.saturating_sub(ENVELOPE)
    }

    /// Stores a value unless the key has one.
    pub async fn put(&self, key: &str, value: Bytes) -> Result<PutOutcome, StoreError> {
        self.bucket.check_connection()?;
        let message = PublishMessage::build()
            .payload(value)
            .expected_last_subject_sequence(0);
        let subject = self.bucket.subject(key);
        match publish(self.bucket.connection(), subject, message).await {
            Ok(_) => Ok(PutOutcome::Stored),
            Err(PublishFailure::LostRace) => Ok(PutOutcome::AlreadyThere),
            Err(PublishFailure::Unknown(problem)) => Err(StoreError::Unavailable(problem)),
            Err(PublishFailure::Failed(error)) => Err(error),
        }
    }

    /// The same in the background, for values that other builders can do without: one that is empty or too large is left
    /// out, and a failure is only logged.
    pub fn put_in_background(&self, key: String, value: Vec<u8>) {
        if value.is_empty() || value.len() > self.largest() {
            return;
        }
        let store = self.clone();
        self.bucket.connection().spawn(async move {
            if let Err(error) = store.put(&key, value.into()).await {
                debug!(%error, key, "can't share a value with other builders");
            }
        });
    }

    /// The values of these keys, in any order; missing ones are left out. A key may end in `*` or `>`. Ends after an
    /// error.
    pub fn fetch(
        &self,
        keys: &[String],
    ) -> impl Stream<Item = Result<(String, Bytes), StoreError>> + Send + use<> {
        let subjects: Vec<String> = keys.iter().map(|key| self.bucket.subject(key)).collect();
        let state = Fetch {
            bucket: self.bucket.clone(),
            subjects,
            answers: None,
        };
        stream::unfold(Some(state), async |state| {
            let mut state = state?;
            match state.next().await {
                Ok(Some(value)) => Some((Ok(value), Some(state))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// Bytes that the bucket uses, and its limit if it has one.
    pub async fn usage(&self) -> Result<(u64, Option<u64>), StoreError> {
        let info = self.bucket.stream.get_info().await;
        let info = info.map_err(|error| StoreError::of(&error))?;
        Ok((info.state.bytes, u64::try_from(info.config.max_bytes).ok()))
    }

    /// Removes about this part of all values, the oldest first. Returns how many values there were before.
    pub async fn remove_oldest(&self, part: f64) -> Result<u64, StoreError> {
        let info = self.bucket.stream.get_info().await;
        let state = info.map_err(|error| StoreError::of(&error))?.state;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a part of a number of messages"
        )]
        let count = (state.messages as f64 * part.clamp(0.0, 1.0)) as u64;
        let purge = self
            .bucket
            .stream
            .purge()
            .sequence(state.first_sequence + count);
        purge.await.map_err(|error| StoreError::of(&error))?;
        Ok(state.messages)
    }
}

struct Fetch {
    bucket: Bucket,
    subjects: Vec<String>,
    answers: Option<async_nats::Subscriber>,
}

impl Fetch {
    async fn next(&mut self) -> Result<Option<(String, Bytes)>, StoreError> {
        let answers = if let Some(answers) = &mut self.answers {
            answers
        } else {
            if self.subjects.is_empty() {
                return Ok(None);
            }
            let answers = ask(&self.bucket, &self.subjects).await?;
            self.answers.insert(answers)
        };
        let answer = tokio::time::timeout(PATIENCE, answers.next()).await;
        let Ok(Some(message)) = answer else {
            return Err(StoreError::Unavailable(
                "the compile cache didn't respond in time".to_owned(),
            ));
        };
        self.read(message)
    }

    fn read(&self, message: Message) -> Result<Option<(String, Bytes)>, StoreError> {
        let status = message.status.map(|status| status.as_u16());
        match status {
            // The end of the values; or there are none.
            Some(204 | 404) => return Ok(None),
            Some(503) => return Err(StoreError::Missing(GOCACHE_BUCKET)),
            Some(code) if code != 200 => {
                let text = message.description.unwrap_or_default();
                return Err(StoreError::Refused(format!("{code} {text}")));
            }
            Some(_) | None => {}
        }
        let prefix = self.bucket.subject("");
        let key = message
            .headers
            .as_ref()
            .and_then(|headers: &HeaderMap| headers.get("Nats-Subject"))
            .and_then(|subject| subject.as_str().strip_prefix(&prefix))
            .ok_or_else(|| StoreError::corrupt(GOCACHE_BUCKET, "a response names no key"))?;
        Ok(Some((key.to_owned(), message.payload)))
    }
}

async fn ask(bucket: &Bucket, subjects: &[String]) -> Result<async_nats::Subscriber, StoreError> {
    if !bucket.connection().is_up() {
        return Err(StoreError::Unavailable("the connection is down".to_owned()));
    }
    let client = bucket.connection().client();
    let inbox = client.new_inbox();
    let answers = client.subscribe(inbox.clone()).await;
    let answers = answers.map_err(|error| StoreError::of(&error))?;
    let request = BatchRequest {
        multi_last: subjects,
        batch: MOST_ANSWERS,
    };
    let request = serde_json::to_vec(&request)
        .map_err(|error| StoreError::corrupt(GOCACHE_BUCKET, &error))?;
    let direct_get = format!("DIRECT.GET.{}", bucket.stream_name());
    let subject = bucket.connection().api.subject(&direct_get);
    client
        .publish_with_reply(subject, inbox, request.into())
        .await
        .map_err(|error| StoreError::of(&error))?;
    Ok(answers)
}
