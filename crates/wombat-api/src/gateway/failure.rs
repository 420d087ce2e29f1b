//! Why a request to a service got no answer.

use async_nats::RequestErrorKind;
use tracing::warn;
use wombat_model::Refusal;

use crate::ApiError;

/// Why no answer came.
pub(super) enum RequestFailure {
    /// The connection to NATS is down.
    Down,
    Failed(RequestErrorKind),
}

impl RequestFailure {
    /// Whether another attempt in a moment may succeed.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Down => true,
            Self::Failed(kind) => matches!(
                kind,
                RequestErrorKind::NoResponders | RequestErrorKind::TimedOut
            ),
        }
    }

    /// The error for the client.
    pub(super) fn into_error(self, subject: &str) -> ApiError {
        match self {
            Self::Down => ApiError::unavailable("The connection to NATS is down; try again."),
            Self::Failed(RequestErrorKind::NoResponders) => Refusal::unavailable(
                "NATS is up, but no service is running; start one with `wombat service`.",
                5,
            )
            .into(),
            Self::Failed(RequestErrorKind::TimedOut) => {
                warn!(subject, "the service didn't answer in time");
                ApiError::unavailable("The service didn't answer in time; try again.")
            }
            Self::Failed(RequestErrorKind::MaxPayloadExceeded) => {
                ApiError::Bare(http::StatusCode::PAYLOAD_TOO_LARGE)
            }
            Self::Failed(kind @ (RequestErrorKind::InvalidSubject | RequestErrorKind::Other)) => {
                warn!(subject, ?kind, "a NATS request failed");
                ApiError::unavailable("The request didn't reach the service; try again.")
            }
        }
    }
}
