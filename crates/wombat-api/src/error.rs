//! Everything that can go wrong with a call, and its one rendering: a problem document (RFC 9457).
//!
//! A handler's error travels in the extensions of its response; the outermost layer renders it, together with errors
//! that come from elsewhere (unknown routes, wrong methods, panics), so that there is one form for all.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use tracing::{error, warn};
use wombat_model::{Problem, ProblemCode, Refusal, RefusalStatus};
use wombat_store::StoreError;

/// Seconds after which a call may be tried again, where nobody knows better.
const RETRY_AFTER: u64 = 2;

/// Why a call isn't answered as asked.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// The service, or we ourselves, say no.
    Refused(Refusal),
    /// The request's body didn't arrive in time.
    Slow,
    /// We didn't find an answer in time.
    Overdue,
    /// The file hasn't the bytes that were asked for.
    RangeNotSatisfiable,
    /// A status that a lower layer answered with, without words.
    Bare(StatusCode),
}

impl ApiError {
    /// Nothing of that name.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Refusal::not_found(message).into()
    }

    /// Something that we need is away.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Refusal::unavailable(message, RETRY_AFTER).into()
    }

    /// The thing isn't in the state that the call needs.
    pub(crate) fn refused(
        status: RefusalStatus,
        code: ProblemCode,
        message: impl Into<String>,
    ) -> Self {
        Refusal::new(status, Problem::general(code, message)).into()
    }

    /// Whether something that is needed is away.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == RefusalStatus::Unavailable)
    }

    fn parts(self) -> (StatusCode, Vec<Problem>, Option<u64>) {
        match self {
            Self::Refused(refusal) => {
                let status = StatusCode::from_u16(refusal.status.code())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, refusal.problems, refusal.retry_after)
            }
            Self::Slow => one(
                StatusCode::REQUEST_TIMEOUT,
                ProblemCode::TimedOut,
                "The body of the request didn't arrive in time.",
            ),
            Self::Overdue => one(
                StatusCode::SERVICE_UNAVAILABLE,
                ProblemCode::TimedOut,
                "There was no answer in time; try again.",
            ),
            Self::RangeNotSatisfiable => one(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ProblemCode::InvalidValue,
                "The file ends before the range that was asked for.",
            ),
            Self::Bare(status) => bare(status),
        }
    }
}

fn one(
    status: StatusCode,
    code: ProblemCode,
    message: &str,
) -> (StatusCode, Vec<Problem>, Option<u64>) {
    (status, vec![Problem::general(code, message)], None)
}

fn bare(status: StatusCode) -> (StatusCode, Vec<Problem>, Option<u64>) {
    let (code, message) = match status {
        StatusCode::NOT_FOUND => (ProblemCode::NotFound, "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => (
            ProblemCode::MethodNotAllowed,
            "This address doesn't take this method.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            ProblemCode::TooMany,
            "The body of the request is too large.",
        ),
        StatusCode::PRECONDITION_FAILED => (
            ProblemCode::WrongState,
            "The file isn't the one that the condition of the request names.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (ProblemCode::Unavailable, "Try again later."),
        other if other.is_client_error() => {
            (ProblemCode::Malformed, "The request can't be understood.")
        }
        _ => {
            let refusal = Refusal::internal();
            return (StatusCode::INTERNAL_SERVER_ERROR, refusal.problems, None);
        }
    };
    one(status, code, message)
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What the store says goes into our log; the caller learns what to do.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(problem) => {
                warn!(problem, "the store didn't answer");
                Self::unavailable("NATS doesn't answer; try again.")
            }
            StoreError::Missing(bucket) => {
                error!(bucket, "not set up");
                Self::unavailable("The storage isn't set up yet.")
            }
            StoreError::Full(problem) => {
                error!(problem, "no room");
                Self::unavailable("The storage is full.")
            }
            StoreError::File(problem) => {
                error!(%problem, "a local file");
                Self::unavailable("The disk of the gateway doesn't take the file.")
            }
            StoreError::Corrupt { name, problem } => {
                error!(name, problem, "something stored can't be read");
                Refusal::damaged(&name, &problem).into()
            }
            StoreError::Lost(name) => {
                error!(name, "bytes are lost");
                Self::unavailable("Bytes of it are lost; ask for the build again in a minute.")
            }
            error @ (StoreError::NoJetStream(_)
            | StoreError::Denied(_)
            | StoreError::Refused(_)) => {
                error!(%error, "the store");
                Refusal::internal().into()
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.clone().parts();
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem document.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemDocument {
    /// Always `about:blank`: the kind is told by `code`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Kind of the first problem.
    pub code: ProblemCode,
    /// All messages in one line.
    pub detail: String,
    /// The request's number in our log.
    pub request_id: String,
    /// Everything that is wrong, at least one.
    pub problems: Vec<Problem>,
}

/// Gives an error its document. Headers that the response has already stay.
pub(crate) fn render(response: Response, request_id: &str) -> Response {
    let (mut head, _) = response.into_parts();
    let error = head
        .extensions
        .remove::<ApiError>()
        .unwrap_or(ApiError::Bare(head.status));
    let (status, mut problems, retry_after) = error.parts();
    if problems.is_empty() {
        problems = Refusal::internal().problems;
    }
    let messages: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    let document = ProblemDocument {
        kind: "about:blank",
        title: title(status),
        status: status.as_u16(),
        code: problems[0].code,
        detail: messages.join(" "),
        request_id: request_id.to_owned(),
        problems,
    };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    head.status = status;
    describe(&mut head.headers, status, retry_after);
    Response::from_parts(head, Body::from(body))
}

fn describe(headers: &mut HeaderMap, status: StatusCode, retry_after: Option<u64>) {
    for stale in [
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::ETAG,
    ] {
        headers.remove(stale);
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let busy = matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    );
    if let Some(seconds) = retry_after.or(busy.then_some(RETRY_AFTER)) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
}

/// As RFC 9110 spells it, which changed some names of its predecessors.
fn title(status: StatusCode) -> String {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content".to_owned(),
        StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large".to_owned(),
        other => other.canonical_reason().unwrap_or("Error").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_store_is_told() {
        let error = ApiError::from(StoreError::Refused("secret stream name".into()));
        let (status, problems, _) = error.parts();
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problems[0].message.contains("secret"));
    }

    #[test]
    fn a_bare_server_error_becomes_ours() {
        let (status, problems, _) = bare(StatusCode::BAD_GATEWAY);
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problems[0].code, ProblemCode::Internal);
    }
}
