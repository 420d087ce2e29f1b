//! Which builds are open, that is, not finished: one small key `open.<rest of the build's key>` each, beside the records.
//!
//! Whoever looks for open builds reads these names instead of all records ever made. They are hints: the record is the
//! truth. Nothing is open without its hint, because the hint is written first; a hint may outlive its build, because it
//! is removed last, and only if it is older than the record's end (see `docs/decisions/0010-open-builds.md`).

use std::{collections::BTreeSet, time::Duration};

use async_nats::jetstream::{
    message::{PublishMessage, StreamMessage},
    stream::{LastRawMessageErrorKind, Stream},
};
use futures::{StreamExt, TryStreamExt};
use time::OffsetDateTime;
use tracing::{debug, warn};
use wombat_model::{Build, BuildKey, names::BUILDS_BUCKET};

use crate::{
    Builds, Revision, StoreError,
    error::PublishFailure,
    follow::StreamedMessage,
    record::{Bucket, OPERATION_HEADER, is_deletion, publish},
};

/// What hints begin with.
const HINT: &str = "open.";
/// What records begin with.
const RECORD: &str = "build.";
/// Records that are read at the same time.
const AT_ONCE: usize = 64;
/// How long a removed hint leaves a marker: the least that the server can do, since nobody needs it.
const MARKER: Duration = Duration::from_secs(1);
/// How often a hint is sent that isn't acknowledged, and the wait between.
const TRIES: u32 = 5;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A build's hint.
fn hint(key: &BuildKey) -> String {
    let rest = key.as_str().strip_prefix(RECORD);
    format!("{HINT}{}", rest.unwrap_or(key.as_str()))
}

/// The build that a hint's subject names.
fn hinted(subject: &str) -> Option<BuildKey> {
    let rest = subject.strip_prefix(&format!("$KV.{BUILDS_BUCKET}.{HINT}"))?;
    format!("{RECORD}{rest}").parse().ok()
}

/// Sends the hint of a build that is about to be opened. The server takes what one connection sends in order, so the
/// record, sent next, isn't stored before it; nobody waits for it, but it is sent again should it get lost.
pub(crate) async fn announce(bucket: &Bucket, key: &BuildKey) {
    let subject = bucket.subject(&hint(key));
    let jetstream = bucket.connection().jetstream().clone();
    let publish = move || {
        let (jetstream, subject) = (jetstream.clone(), subject.clone());
        async move {
            jetstream
                .send_publish(subject, PublishMessage::build())
                .await
        }
    };
    let mut outcome = publish().await;
    let key = key.clone();
    tokio::spawn(async move {
        for _ in 0..TRIES {
            let problem = match outcome {
                Ok(acknowledgement) => match acknowledgement.await {
                    Ok(_) => return,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            debug!(%key, %problem, "a hint wasn't acknowledged");
            tokio::time::sleep(RETRY_AFTER).await;
            outcome = publish().await;
        }
        warn!(%key, "an open build may lack its hint until the janitor gives it one");
    });
}

/// Gives an open build its hint, and waits for it.
pub(crate) async fn mark(bucket: &Bucket, key: &BuildKey) -> Result<(), StoreError> {
    let subject = bucket.subject(&hint(key));
    publish(bucket.connection(), subject, PublishMessage::build())
        .await
        .map(drop)
        .map_err(PublishFailure::into_unchecked)
}

/// Which hints are too old to belong to a build that is being opened just now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Age {
    /// None.
    Never,
    /// Those that the server stored before this time of its own.
    Before(OffsetDateTime),
}

/// Removes the hint of a build that ended at `end`, or long ago: not one that was written after it, for that one may
/// belong to somebody who is opening the build again. Whether there was one to remove.
pub(crate) async fn clear(
    bucket: &Bucket,
    key: &BuildKey,
    end: Revision,
    old: Age,
) -> Result<bool, StoreError> {
    let name = hint(key);
    let Some(message) = last(&bucket.stream, &bucket.subject(&name)).await? else {
        return Ok(false);
    };
    let is_old = match old {
        Age::Never => false,
        Age::Before(time) => message.time < time,
    };
    if is_deletion(&message.headers) || (message.sequence > end.get() && !is_old) {
        return Ok(false);
    }
    let marker = PublishMessage::build()
        .header(OPERATION_HEADER, "PURGE")
        .expected_last_subject_sequence(message.sequence)
        .ttl(MARKER);
    match publish(bucket.connection(), bucket.subject(&name), marker).await {
        Ok(_) => Ok(true),
        Err(PublishFailure::LostRace) => Ok(false),
        Err(failure) => Err(failure.into_unchecked()),
    }
}

/// What hints name.
pub(crate) struct Listing {
    /// The last revision of the bucket that the names were read at: whatever was open then is among them.
    pub(crate) at: Revision,
    /// The names, and those of hints that were removed a moment ago.
    pub(crate) keys: Vec<BuildKey>,
}

/// Reads all hints from the leader, which takes the revision before the names.
pub(crate) async fn list(stream: &Stream) -> Result<Listing, StoreError> {
    let filter = format!("$KV.{BUILDS_BUCKET}.{HINT}>");
    let subjects = stream
        .info_with_subjects(filter)
        .await
        .map_err(|error| StoreError::of(&error))?;
    let at = Revision::new(subjects.info.state.last_sequence);
    let keys = subjects
        .map_ok(|(subject, _)| hinted(&subject))
        .try_collect::<Vec<_>>()
        .await
        .map_err(|error| StoreError::of(&error))?;
    Ok(Listing {
        at,
        keys: keys.into_iter().flatten().collect(),
    })
}

/// Reads the records that hints name and that were last written at `until` or before, in the order in which they were
/// written. Finished ones may be among them.
pub(crate) async fn records(
    stream: &Stream,
    keys: Vec<BuildKey>,
    until: Revision,
) -> Result<Vec<StreamedMessage>, StoreError> {
    let read =
        |key: BuildKey| async move { last(stream, &format!("$KV.{BUILDS_BUCKET}.{key}")).await };
    let messages: Vec<Option<StreamMessage>> = futures::stream::iter(keys)
        .map(read)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let mut records: Vec<StreamedMessage> = messages
        .into_iter()
        .flatten()
        .filter(|message| message.sequence <= until.get())
        .map(|message| StreamedMessage {
            subject: message.subject.to_string(),
            sequence: Revision::new(message.sequence),
            headers: message.headers,
            payload: message.payload,
            time: message.time,
        })
        .collect();
    records.sort_by_key(|record| record.sequence);
    Ok(records)
}

/// The last message of a subject, or of those that a filter fits, from the leader.
pub(crate) async fn last<I>(
    stream: &Stream<I>,
    subject: &str,
) -> Result<Option<StreamMessage>, StoreError> {
    match stream.get_last_raw_message_by_subject(subject).await {
        Ok(message) => Ok(Some(message)),
        Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(error) => Err(StoreError::of(&error)),
    }
}

/// Whether a build needs its hint.
pub(crate) fn is_open(build: &Build) -> bool {
    !build.status().is_terminal()
}

/// What was mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MendedHints {
    /// Open builds that had no hint.
    pub given: usize,
    /// Hints that outlived their builds.
    pub removed: usize,
}

impl Builds {
    /// Brings hints into agreement with the records: `open` are the builds that are believed to be open. A hint that is
    /// younger than `old`, by the server's clock, may belong to a build that is being opened just now.
    pub async fn mend_hints(
        &self,
        open: impl IntoIterator<Item = BuildKey>,
        old: Duration,
    ) -> Result<MendedHints, StoreError> {
        let hinted = list(&self.bucket.stream).await?.keys;
        let hinted: BTreeSet<BuildKey> = hinted.into_iter().collect();
        let old = Age::Before(self.now().await? - old);
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
