//! Which builds are open, that is, not finished: one small key `open.<rest of the build's key>` each, beside the records.
//!
//! Processes that need the open builds read these names instead of all records ever made. They are hints: the record
//! decides. Every open build has its hint, because the hint is written first; a hint may outlive its build, because it
//! is removed last, and only if it is older than the record's end (see `docs/decisions/0010-open-builds.md`).

use std::time::Duration;

use async_nats::jetstream::{
    message::{PublishMessage, StreamMessage},
    stream::{LastRawMessageErrorKind, Stream},
};
use futures::{StreamExt, TryStreamExt};
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::{debug, warn};
use wombat_model::{Build, BuildKey, names::BUILDS_BUCKET};

use crate::{
    Revision, StoreError,
    error::PublishFailure,
    message::StreamedMessage,
    record::{Bucket, OPERATION_HEADER, is_deletion, publish},
};

/// Prefix of the keys of hints.
const HINT: &str = "open.";
/// Prefix of the keys of records.
const RECORD: &str = "build.";
/// Records that are read concurrently.
const AT_ONCE: usize = 64;
/// How long a removed hint leaves a marker, which nothing needs: the server's minimum.
const MARKER: Duration = Duration::from_secs(1);
/// How often an unacknowledged hint is sent, and the wait in between.
const TRIES: u32 = 5;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The key of a build's hint.
fn hint(key: &BuildKey) -> String {
    let rest = key.as_str().strip_prefix(RECORD);
    format!("{HINT}{}", rest.unwrap_or(key.as_str()))
}

/// The build that a hint's subject names.
fn hinted(subject: &str) -> Option<BuildKey> {
    let rest = subject.strip_prefix(&format!("$KV.{BUILDS_BUCKET}.{HINT}"))?;
    format!("{RECORD}{rest}").parse().ok()
}

/// Sends the hint of a build that is about to be opened. The server stores messages of one connection in order, so the
/// record, sent next, isn't stored before it. The caller doesn't wait for the acknowledgement; a lost hint is sent
/// again.
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
    bucket.connection().spawn(async move {
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

/// Writes the hint of an open build, and waits for the acknowledgement.
pub(crate) async fn mark(bucket: &Bucket, key: &BuildKey) -> Result<(), StoreError> {
    let subject = bucket.subject(&hint(key));
    publish(bucket.connection(), subject, PublishMessage::build())
        .await
        .map(drop)
        .map_err(PublishFailure::into_unchecked)
}

/// Which hints are too old to belong to a build that is just being opened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HintAge {
    /// None.
    Never,
    /// Those that the server stored before this time of its own.
    Before(OffsetDateTime),
}

/// Removes the hint of a build that ended at `end`, unless it is a newer one that isn't old either: that one may belong
/// to a client that is opening the build again. Returns whether a hint was removed.
pub(crate) async fn clear(
    bucket: &Bucket,
    key: &BuildKey,
    end: Revision,
    old: HintAge,
) -> Result<bool, StoreError> {
    let name = hint(key);
    let Some(message) = last(&bucket.stream, &bucket.subject(&name)).await? else {
        return Ok(false);
    };
    let is_old = match old {
        HintAge::Never => false,
        HintAge::Before(time) => message.time < time,
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

/// The builds that have hints.
pub(crate) struct HintList {
    /// The bucket's last revision before the names were read: every build that was open then is among them.
    pub(crate) at: Revision,
    /// Their keys, including those of hints that were removed a moment ago.
    pub(crate) keys: Vec<BuildKey>,
}

/// Reads all hints from the leader, which reads the revision before the names.
pub(crate) async fn list(stream: &Stream) -> Result<HintList, StoreError> {
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
    Ok(HintList {
        at,
        keys: keys.into_iter().flatten().collect(),
    })
}

/// Reads the records of these builds that were last written at `until` or before, in the order of their writes.
/// Finished ones may be among them.
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
            received: Instant::now(),
        })
        .collect();
    records.sort_by_key(|record| record.sequence);
    Ok(records)
}

/// The last message of a subject, or of all that match a filter, from the leader.
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
