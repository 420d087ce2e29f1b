//! The `BUILD_LOGS` stream: what builders say, one subject a claim.

use async_nats::jetstream::{
    message::PublishMessage,
    stream::{DirectGetErrorKind, Stream},
};
use bytes::Bytes;
use wombat_model::{
    BuildKey, ClaimId,
    log::{LogEntry, LogEvent},
    names::{LOG_END_HEADER, LOGS_STREAM, LOGS_SUBJECT_PREFIX},
};

use crate::{
    Connection, Revision, StoreError,
    follow::{Followed, Follower, Start, StreamedMessage},
    record::{open_stream, publish},
};

/// An entry and where it stands.
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
    /// When the stream was made, in milliseconds since 1970: another number, another stream.
    pub epoch: i64,
    /// First sequence that is still there.
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

/// What [`LogFollower`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogsEvent {
    /// An entry.
    Entry(Logged),
    /// Everything that was there at the start has been told.
    CaughtUp,
    /// The stream is another one: sequences told before mean nothing any more.
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
                Some(Followed::Message(message)) => {
                    if let Some(logged) = read(&message) {
                        return LogsEvent::Entry(logged);
                    }
                }
                Some(Followed::CompleteAfter(_)) => {}
                Some(Followed::CaughtUp) => return LogsEvent::CaughtUp,
                Some(Followed::Reset) => return LogsEvent::Reset,
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
        if !self.connection.is_up() {
            return Err(StoreError::Unavailable("the connection is down".to_owned()));
        }
        let payload =
            serde_json::to_vec(entry).map_err(|error| StoreError::corrupt(key.as_str(), &error))?;
        let mut message = PublishMessage::build()
            .payload(Bytes::from(payload))
            .message_id(format!("{claim}-{}", entry.n));
        if let LogEvent::End { status } = &entry.event {
            message = message.header(LOG_END_HEADER, status.as_str());
        }
        match publish(self.connection.jetstream(), key.log_subject(claim), message).await {
            Ok(sequence) => Ok(sequence),
            Err(failure) => Err(failure.into_unchecked()),
        }
    }

    /// Removes the entries of all claims of a build.
    pub async fn purge(&self, key: &BuildKey) -> Result<(), StoreError> {
        let purge = self.stream.purge().filter(key.log_filter());
        purge.await.map_err(|error| StoreError::of(&error))?;
        Ok(())
    }

    /// Up to `limit` entries of all claims of a build, after a point, and whether there were no more.
    pub async fn read(
        &self,
        key: &BuildKey,
        after: Revision,
        limit: usize,
    ) -> Result<(Vec<Logged>, bool), StoreError> {
        // Without this look, an unreachable server would be waited for instead of reported.
        self.state().await?;
        let mut follower = self.follow(key, after);
        let mut entries = Vec::new();
        loop {
            match follower.next().await {
                LogsEvent::Entry(logged) => {
                    entries.push(logged);
                    if entries.len() == limit {
                        return Ok((entries, false));
                    }
                }
                LogsEvent::CaughtUp => return Ok((entries, true)),
                LogsEvent::Reset => entries.clear(),
            }
        }
    }

    /// The newest entry of a claim.
    pub async fn last(
        &self,
        key: &BuildKey,
        claim: &ClaimId,
    ) -> Result<Option<LogEntry>, StoreError> {
        match self
            .stream
            .direct_get_last_for_subject(key.log_subject(claim))
            .await
        {
            Ok(message) => Ok(serde_json::from_slice(&message.payload).ok()),
            Err(error) if matches!(error.kind(), DirectGetErrorKind::NotFound) => Ok(None),
            Err(error) => Err(StoreError::of(&error)),
        }
    }

    /// Follows all claims of one build after a point.
    pub fn follow(&self, key: &BuildKey, after: Revision) -> LogFollower {
        LogFollower(Follower::start(
            &self.connection,
            &self.stream,
            key.log_filter(),
            Start::After(after),
        ))
    }

    /// Follows all builds after a point.
    pub fn follow_all(&self, after: Revision) -> LogFollower {
        let filter = format!("{LOGS_SUBJECT_PREFIX}>");
        LogFollower(Follower::start(
            &self.connection,
            &self.stream,
            filter,
            Start::After(after),
        ))
    }

    /// What there is now.
    pub async fn state(&self) -> Result<LogsState, StoreError> {
        let info = self
            .stream
            .get_info()
            .await
            .map_err(|error| StoreError::of(&error))?;
        let epoch = info.created.unix_timestamp_nanos() / 1_000_000;
        Ok(LogsState {
            epoch: i64::try_from(epoch).unwrap_or(i64::MAX),
            first: Revision::new(info.state.first_sequence),
            last: Revision::new(info.state.last_sequence),
        })
    }
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
