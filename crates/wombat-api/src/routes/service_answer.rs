//! An answer of the service as a response: its JSON as it came, and the entity tag of the record in it.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;

/// An answer of the service, as it came.
pub(super) fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The tag of a record.
pub(super) fn tag(revision: u64) -> String {
    format!("\"{revision}\"")
}
