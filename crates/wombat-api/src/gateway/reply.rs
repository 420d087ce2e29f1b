//! What a service replied: an answer, or an error in the headers that NATS services share.

use async_nats::Message;
use bytes::Bytes;
use tracing::warn;
use wombat_model::{Problem, ProblemCode, Refusal, RefusalStatus, wire::ErrorBody};

use crate::ApiError;

/// Headers by which a service says that its answer is an error.
const ERROR_CODE: &str = "Nats-Service-Error-Code";
const ERROR: &str = "Nats-Service-Error";

/// The answer in a reply, or the refusal in it.
pub(super) fn read_reply(subject: &str, message: Message) -> Result<Bytes, ApiError> {
    let headers = message.headers.unwrap_or_default();
    let Some(code) = headers.get(ERROR_CODE) else {
        return Ok(message.payload);
    };
    if let Ok(body) = serde_json::from_slice::<ErrorBody>(&message.payload) {
        return Err(Refusal::from(body).into());
    }
    // A service that isn't Wombat's has only the headers.
    let status = code
        .as_str()
        .parse()
        .ok()
        .and_then(|code: u16| RefusalStatus::try_from(code).ok());
    let words = headers.get(ERROR).map_or("", |words| words.as_str());
    warn!(
        subject,
        code = code.as_str(),
        words,
        "a service replied with an error without a body"
    );
    Err(match status {
        Some(RefusalStatus::Internal) | None => Refusal::internal().into(),
        Some(RefusalStatus::Unavailable) => ApiError::unavailable(words),
        Some(status) => {
            Refusal::new(status, Problem::general(ProblemCode::Malformed, words)).into()
        }
    })
}
