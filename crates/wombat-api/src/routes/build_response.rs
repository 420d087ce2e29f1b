//! The response with a build in its body: the tag of its record, and when to look again.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use wombat_model::{BuildKey, Status, wire::BuildView};

use super::file::insert;
use super::service_answer::{json, tag};
use crate::{ApiError, gateway::written};

/// What the headers of a response need of the build in its body, which is passed on as it came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BuildSummary {
    pub(super) id: BuildKey,
    pub(super) revision: u64,
    pub(super) status: Status,
    eta_seconds: Option<u64>,
}

impl BuildSummary {
    pub(super) fn of(view: &BuildView) -> Self {
        Self {
            id: view.id.clone(),
            revision: view.revision,
            status: view.build.status,
            eta_seconds: view.eta_seconds,
        }
    }
}

/// A build, with the tag of its record.
pub(super) fn view(status: StatusCode, view: &BuildView) -> Result<Response, ApiError> {
    Ok(passed_on(status, written(view)?, &BuildSummary::of(view)))
}

/// The same for a build in the bytes that the service sent.
pub(super) fn passed_on(status: StatusCode, body: Bytes, summary: &BuildSummary) -> Response {
    let mut response = (status, json(body)).into_response();
    let headers = response.headers_mut();
    insert(headers, header::ETAG, &tag(summary.revision));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if !summary.status.is_terminal() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(patience(summary)));
    }
    response
}

/// Seconds after which it is worth looking again.
fn patience(summary: &BuildSummary) -> u64 {
    summary.eta_seconds.map_or(2, |eta| (eta / 4).clamp(1, 30))
}
