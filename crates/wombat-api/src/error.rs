//! Everything that can go wrong with a call, and its one form: a problem document (RFC 9457).
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

/// Seconds after which a call may be tried again, unless the service says more.
const RETRY_AFTER: u64 = 2;

/// Why a call failed.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// The service or the gateway refused it.
    Refused(Refusal),
    /// The request's body didn't arrive in time.
    Slow,
    /// The gateway had no answer in time.
    Overdue,
    /// The file doesn't have the bytes of the range.
    RangeNotSatisfiable,
    /// A status without a message, from a lower layer.
    Bare(StatusCode),
}

impl ApiError {
    /// Nothing of that name: 404.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Refusal::not_found(message).into()
    }

    /// Something that the gateway needs is unavailable: 503.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Refusal::unavailable(message, RETRY_AFTER).into()
    }

    /// A refusal with its status, code and message.
    pub(crate) fn refused(
        status: RefusalStatus,
        code: ProblemCode,
        message: impl Into<String>,
    ) -> Self {
        Refusal::new(status, Problem::general(code, message)).into()
    }

    /// Whether something that the gateway needs is unavailable.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == RefusalStatus::Unavailable)
    }

    /// Its status, everything that is wrong, and the seconds until another try makes sense.
    pub(crate) fn parts(self) -> (StatusCode, Vec<Problem>, Option<u64>) {
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
                "The gateway didn't get an answer in time; try again.",
            ),
            Self::RangeNotSatisfiable => one(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ProblemCode::InvalidValue,
                "The file ends before the requested range.",
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
            "This address doesn't support this method; `Allow` lists those it does.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            ProblemCode::TooMany,
            "The body of the request is too large.",
        ),
        StatusCode::PRECONDITION_FAILED => (
            ProblemCode::WrongState,
            "The file isn't the one that `If-Match` names.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => {
            (ProblemCode::Unavailable, "Unavailable; try again later.")
        }
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

/// The store's own words go into the gateway's log; the client learns what to do.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(problem) => {
                warn!(problem, "the store didn't answer");
                Self::unavailable("NATS doesn't answer; try again.")
            }
            StoreError::Missing(bucket) => {
                error!(bucket, "the storage isn't set up; run `wombat setup`");
                Self::unavailable("The storage isn't set up yet; the operator runs `wombat setup`.")
            }
            StoreError::Unfinished(bucket) => {
                error!(bucket, "its upgrade isn't finished; run `wombat setup`");
                Self::unavailable("The storage is being upgraded; try again later.")
            }
            StoreError::Full(problem) => {
                error!(problem, "the storage is full");
                Self::unavailable("The storage is full; `/api/health` says which store.")
            }
            StoreError::File(problem) => {
                error!(%problem, "can't use a local file");
                Self::unavailable("The gateway can't store the file on its disk.")
            }
            StoreError::Corrupt { name, problem } => {
                error!(name, problem, "a stored entry is corrupt");
                Refusal::damaged(&name, &problem).into()
            }
            StoreError::Lost(name) => {
                error!(name, "the object store has lost bytes");
                Self::unavailable(
                    "The storage has lost bytes of it; request the build again in a minute.",
                )
            }
            error @ (StoreError::NoJetStream(_)
            | StoreError::Denied(_)
            | StoreError::Refused(_)) => {
                error!(%error, "the store failed");
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
    /// Always `about:blank`: `code` tells the kind.
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
    /// Id of the request in the gateway's log.
    pub request_id: String,
    /// Everything that is wrong: at least one problem.
    pub problems: Vec<Problem>,
}

/// Renders an error as its document. Other headers of the response stay.
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
    let document = ProblemDocument {
        kind: "about:blank",
        title: title(status),
        status: status.as_u16(),
        code: problems[0].code,
        detail: Problem::summary(&problems),
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

/// As RFC 9110 spells it, which renamed some statuses.
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
