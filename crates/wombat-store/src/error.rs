//! Errors of an access, by what a caller can do about them: wait, fix, or report.

use std::error::Error as StdError;

use async_nats::jetstream::{
    self, ErrorCode,
    context::{
        CreateStreamError, CreateStreamErrorKind, GetStreamError, GetStreamErrorKind,
        PublishErrorKind,
    },
};

/// An access whose outcome is a failure, or unknown.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// NATS didn't respond in time. A write may or may not have happened. Try again later.
    #[error("NATS didn't answer: {0}")]
    Unavailable(String),
    /// A bucket or stream doesn't exist. `wombat setup` creates it.
    #[error("`{0}` doesn't exist in JetStream; `wombat setup` creates it")]
    Missing(&'static str),
    /// Objects are being moved into a new store. `wombat setup` finishes that.
    #[error("the upgrade of `{0}` isn't finished; run `wombat setup`, which continues it")]
    Unfinished(&'static str),
    /// JetStream is disabled. An operator has to enable it.
    #[error(
        "this nats-server has no JetStream: start it with `-js`, or give its configuration a `jetstream` block \
         (and the account of this user `jetstream: enabled`): {0}"
    )]
    NoJetStream(String),
    /// A bucket, or the server's disk, is full.
    #[error("JetStream is full: {0}")]
    Full(String),
    /// The value stored under this name is invalid.
    #[error("the value of `{name}` can't be read: {problem}")]
    Corrupt {
        /// The key or object.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The leader lacks bytes of an object.
    #[error("JetStream lost bytes of `{0}`")]
    Lost(String),
    /// A local file couldn't be read or written.
    #[error("local file: {0}")]
    File(#[from] std::io::Error),
    /// This user lacks a permission. An operator has to grant it.
    #[error(
        "NATS denies a permission that this role needs: {0}; `wombat setup --write-config` writes the permissions of every \
         role, and each role logs in with its own key (other users may need another --nats-inbox-prefix)"
    )]
    Denied(String),
    /// The server refused for another reason.
    #[error("JetStream refused: {0}")]
    Refused(String),
}

impl StoreError {
    pub(crate) fn corrupt(name: impl Into<String>, problem: &(impl ToString + ?Sized)) -> Self {
        Self::Corrupt {
            name: name.into(),
            problem: problem.to_string(),
        }
    }

    /// Whether a retry may succeed: once the server is back, has room, or an operator has fixed it.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable(_)
            | Self::Missing(_)
            | Self::Unfinished(_)
            | Self::NoJetStream(_)
            | Self::Full(_)
            | Self::Lost(_)
            | Self::Denied(_) => true,
            Self::Corrupt { .. } | Self::File(_) | Self::Refused(_) => false,
        }
    }

    /// Classifies an error by its JetStream error code alone.
    pub(crate) fn of(error: &(dyn StdError + 'static)) -> Self {
        match server_code(error) {
            Some(code) if is_full(code) && !is_taken(error) => Self::Full(chain(error)),
            Some(code) if is_electing(code) => Self::Unavailable(chain(error)),
            Some(
                ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT,
            ) => Self::NoJetStream(chain(error)),
            Some(_) => Self::Refused(chain(error)),
            None => Self::Unavailable(chain(error)),
        }
    }
}

/// How a checked publish failed.
pub(crate) enum PublishFailure {
    /// Another write came first.
    LostRace,
    /// No acknowledgement came: it may have been written.
    Unknown(String),
    /// The message wasn't written.
    Failed(StoreError),
}

impl PublishFailure {
    /// For a write without an expected revision: it can't lose a race, and an unknown outcome is an unavailable server.
    pub(crate) fn into_unchecked(self) -> StoreError {
        match self {
            Self::LostRace => StoreError::Refused("an unchecked write lost a race".to_owned()),
            Self::Unknown(problem) => StoreError::Unavailable(problem),
            Self::Failed(error) => error,
        }
    }
}

/// Classifies a failed publish. A replicated stream refuses a stale write with 10164 as well as 10071, and the client
/// knows only the latter by name.
pub(crate) fn sort_publish_error(error: &jetstream::context::PublishError) -> PublishFailure {
    match server_code(error) {
        Some(
            ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT,
        ) => {
            return PublishFailure::LostRace;
        }
        Some(_) if is_taken(error) => return PublishFailure::LostRace,
        Some(code) if is_full(code) => {
            return PublishFailure::Failed(StoreError::Full(chain(error)));
        }
        Some(_) | None => {}
    }
    match error.kind() {
        PublishErrorKind::WrongLastSequence => PublishFailure::LostRace,
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => {
            PublishFailure::Unknown(chain(error))
        }
        PublishErrorKind::StreamNotFound | PublishErrorKind::MaxAckPending => {
            PublishFailure::Failed(StoreError::Unavailable(chain(error)))
        }
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::MaxPayloadExceeded
        | PublishErrorKind::Other => PublishFailure::Failed(StoreError::Refused(chain(error))),
    }
}

fn is_full(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::STREAM_STORE_FAILED
            | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
            | ErrorCode::STORAGE_RESOURCES_EXCEEDED
            | ErrorCode::INSUFFICIENT_RESOURCES
    )
}

/// Whether a subject that may have only one message has one: the code is that of a full stream.
fn is_taken(error: &(dyn StdError + 'static)) -> bool {
    const WORDS: &str = "maximum messages per subject";
    server_code(error) == Some(ErrorCode::STREAM_STORE_FAILED) && chain(error).contains(WORDS)
}

/// Whether it is the error of a cluster without a leader, or with servers missing.
fn is_electing(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::CLUSTER_NOT_AVAILABLE
            | ErrorCode::CLUSTER_NOT_LEADER
            | ErrorCode::CLUSTER_NOT_ACTIVE
            | ErrorCode::CLUSTER_NO_PEERS
            | ErrorCode::CLUSTER_INCOMPLETE
            | ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED
    )
}

fn sources<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

/// The JetStream error code somewhere below `error`. Some errors of the client keep it in their kind instead of
/// their source.
pub(crate) fn server_code(error: &(dyn StdError + 'static)) -> Option<ErrorCode> {
    sources(error).find_map(|cause| {
        let direct = cause
            .downcast_ref::<jetstream::Error>()
            .map(jetstream::Error::error_code);
        direct
            .or_else(|| match cause.downcast_ref::<GetStreamError>()?.kind() {
                GetStreamErrorKind::JetStream(error) => Some(error.error_code()),
                GetStreamErrorKind::EmptyName
                | GetStreamErrorKind::Request
                | GetStreamErrorKind::InvalidStreamName => None,
            })
            .or_else(|| match cause.downcast_ref::<CreateStreamError>()?.kind() {
                CreateStreamErrorKind::JetStream(error) => Some(error.error_code()),
                CreateStreamErrorKind::EmptyStreamName
                | CreateStreamErrorKind::InvalidStreamName
                | CreateStreamErrorKind::DomainAndExternalSet
                | CreateStreamErrorKind::JetStreamUnavailable
                | CreateStreamErrorKind::TimedOut
                | CreateStreamErrorKind::Response
                | CreateStreamErrorKind::NotFound
                | CreateStreamErrorKind::ResponseParse => None,
            })
    })
}

/// All messages, outermost first, without repeats.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    for message in sources(error).map(ToString::to_string) {
        if !text.contains(&message) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&message);
        }
    }
    text
}
