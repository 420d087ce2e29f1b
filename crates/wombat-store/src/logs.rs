//! The `BUILD_LOGS` stream: the logs of builds, a subject per claim.

use std::{future::IntoFuture, time::Duration};

use async_nats::jetstream::{message::PublishMessage, stream::Stream};
use bytes::Bytes;
use wombat_model::{
    BuildKey, ClaimId,
    log::{LogEntry, LogEvent},
    names::{LOG_END_HEADER, LOGS_STREAM, LOGS_SUBJECT_PREFIX},
};

use crate::{
    Connection, Revision, StoreError,
    error::sort_publish_error,
    follow::{FollowEvent, Follower, Start, last},
    message::StreamedMessage,
    open,
    record::open_stream,
};

/// How long a reader that expects more waits before it requests the last sequence from the leader again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A log entry and its place in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The build.
    pub key: BuildKey,
    /// The claim.
    pub claim: ClaimId,
    /// Its place in the stream.
    pub sequence: Revision,
    /// What happened.
    pub entry: LogEntry,
}

/// What the stream of logs holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogsState {
    /// When the stream was created, in milliseconds since 1970: another number means another stream.
    pub epoch: i64,
    /// First sequence that still exists.
    pub first: Revision,
    /// Last sequence that was written.
    pub last: Revision,
}

/// Phases and log lines.
#[derive(Clone, Debug)]
pub struct Logs {
    connection: Connection,
    stream: Stream,
}

/// What [`LogFollower`] delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogsEvent {
    /// An entry.
    Entry(Logged),
    /// Everything that existed at the start has been delivered.
    CaughtUp,
    /// The stream was replaced: earlier sequences are void.
    Reset,
}

/// A running follower of logs; dropping it ends it.
#[derive(Debug)]
pub struct LogFollower(Follower);

impl LogFollower {
    /// The next event. Never ends; safe to drop between polls.
    pub async fn next(&mut self) -> LogsEvent {
        loop {
            match self.0.next().await {
                Some(FollowEvent::Message(message)) => {
                    if let Some(logged) = read(&message) {
                        return LogsEvent::Entry(logged);
                    }
                }
                Some(FollowEvent::CompleteAfter(_)) => {}
                Some(FollowEvent::CaughtUp) => return LogsEvent::CaughtUp,
                Some(FollowEvent::Reset) => return LogsEvent::Reset,
                None => std::future::pending().await,
            }
        }
    }
}

impl Logs {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StoreError> {
        let stream = open_stream(connection.jetstream(), LOGS_STREAM, LOGS_STREAM).await?;
        Ok(Self {
            connection: connection.clone(),
            stream,
        })
    }

    /// Appends an entry; one that was appended before is not appended twice.
    pub async fn append(
        &self,
        key: &BuildKey,
        claim: &ClaimId,
        entry: &LogEntry,
    ) -> Result<Revision, StoreError> {
        self.send(key, claim, entry).await?.await
    }

    /// The session with the server in which entries are sent now.
    pub fn session(&self) -> u64 {
        self.connection.session()
    }

    /// Sends an entry without waiting until it is stored: the inner future does that, and fails when the session ends.
    /// Entries of one session arrive in the order of the calls.
    pub async fn send(
        &self,
        key: &BuildKey,
        claim: &ClaimId,
        entry: &LogEntry,
    ) -> Result<impl Future<Output = Result<Revision, StoreError>> + Send + use<>, StoreError> {
        if !self.connection.is_up() {
            return Err(StoreError::Unavailable("the connection is down".to_owned()));
        }
        let session = self.connection.session();
        let payload =
            serde_json::to_vec(entry).map_err(|error| StoreError::corrupt(key.as_str(), &error))?;
        let mut message = PublishMessage::build()
            .payload(Bytes::from(payload))
            .message_id(format!("{claim}-{}", entry.n));
        if let LogEvent::End { status } = &entry.event {
            message = message.header(LOG_END_HEADER, status.as_str());
        }
        let sent = self
            .connection
            .jetstream()
            .send_publish(key.log_subject(claim), message)
            .await;
        let failed = |error| sort_publish_error(&error).into_unchecked();
        let acknowledgement = sent.map_err(failed)?.into_future();
        let connection = self.connection.clone();
        Ok(async move {
            tokio::select! {
                biased;
                acknowledged = acknowledgement => {
                    Ok(Revision::new(acknowledged.map_err(failed)?.sequence))
                }
                () = connection.session_ended(session) => {
                    Err(StoreError::Unavailable("the connection was lost".to_owned()))
                }
            }
        })
    }

    /// Removes the entries of all claims of a build.
    pub async fn purge(&self, key: &BuildKey) -> Result<(), StoreError> {
        let purge = self.stream.purge().filter(key.log_filter());
        purge.await.map_err(|error| StoreError::of(&error))?;
        Ok(())
    }

    /// Up to `limit` entries of all claims of a build, after a sequence, and whether these are all.
    pub async fn read(
        &self,
        key: &BuildKey,
        after: Revision,
        limit: usize,
    ) -> Result<(Vec<Logged>, bool), StoreError> {
        // This fails if the server is down; a follower would wait for it.
        let mut until = last(&self.stream, &key.log_filter()).await?;
        let mut entries = Vec::new();
        if until <= after {
            return Ok((entries, true));
        }
        let mut seen = after;
        let mut caught_up = false;
        let LogFollower(mut follower) = self.follow(key, after);
        while seen < until {
            // A replica that lags believes itself to be at the end; and the expected entries may be removed meanwhile.
            let next = tokio::time::timeout(LOOK_AGAIN, follower.next());
            match next.await {
                Ok(Some(FollowEvent::Message(message))) => {
                    seen = message.sequence;
                    entries.extend(read(&message));
                    if entries.len() == limit {
                        return Ok((entries, seen >= until));
                    }
                }
                Ok(None) => return Err(StoreError::Unavailable("a follower ended".to_owned())),
                Ok(Some(FollowEvent::CaughtUp)) => caught_up = true,
                Ok(Some(FollowEvent::Reset)) => {
                    (seen, caught_up) = (Revision::ZERO, false);
                    entries.clear();
                    until = last(&self.stream, &key.log_filter()).await?;
                }
                Err(_) if caught_up => until = last(&self.stream, &key.log_filter()).await?,
                Ok(Some(FollowEvent::CompleteAfter(_))) | Err(_) => {}
            }
        }
        Ok((entries, true))
    }

    /// The newest entry of a claim, from the leader.
    pub async fn last(
        &self,
        key: &BuildKey,
        claim: &ClaimId,
    ) -> Result<Option<LogEntry>, StoreError> {
        let last = open::last(&self.stream, &key.log_subject(claim)).await?;
        Ok(last.and_then(|message| serde_json::from_slice(&message.payload).ok()))
    }

    /// Follows all claims of one build after a sequence.
    pub fn follow(&self, key: &BuildKey, after: Revision) -> LogFollower {
        LogFollower(Follower::start(
            &self.connection,
            &self.stream,
            key.log_filter(),
            Start::After(after),
        ))
    }

    /// Follows all builds after a sequence.
    pub fn follow_all(&self, after: Revision) -> LogFollower {
        let filter = format!("{LOGS_SUBJECT_PREFIX}>");
        LogFollower(Follower::start(
            &self.connection,
            &self.stream,
            filter,
            Start::After(after),
        ))
    }

    /// The present state of the stream.
    pub async fn state(&self) -> Result<LogsState, StoreError> {
        let info = self.connection.stream_info(LOGS_STREAM).await?;
        let epoch = info.created.unix_timestamp_nanos() / 1_000_000;
        Ok(LogsState {
            epoch: i64::try_from(epoch).unwrap_or(i64::MAX),
            first: Revision::new(info.state.first_sequence),
            last: Revision::new(info.state.last_sequence),
        })
    }
}

/// Removes the log of a removed record: the removal may have left it, and a builder may have written to it afterwards.
/// `is_current` returns whether there is still no new record, whose claims would write to the same subjects.
pub(crate) async fn forget(
    connection: &Connection,
    key: &BuildKey,
    is_current: impl AsyncFnOnce() -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let jetstream = connection.jetstream();
    let stream = jetstream
        .get_stream_no_info(LOGS_STREAM)
        .await
        .map_err(|error| StoreError::of(&error))?;
    let Some(last) = open::last(&stream, &key.log_filter()).await? else {
        return Ok(());
    };
    if is_current().await? {
        let purge = stream.purge().filter(key.log_filter());
        let old = purge.sequence(last.sequence + 1);
        old.await.map_err(|error| StoreError::of(&error))?;
    }
    Ok(())
}

fn read(message: &StreamedMessage) -> Option<Logged> {
    let (key, claim) = BuildKey::from_log_subject(&message.subject)?;
    let entry = serde_json::from_slice(&message.payload).ok()?;
    Some(Logged {
        key,
        claim,
        sequence: message.sequence,
        entry,
    })
}
