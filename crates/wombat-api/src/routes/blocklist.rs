//! The blocklist: modules that may not be built here.

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use wombat_model::{
    Problem, ProblemCode, Refusal, RefusalStatus,
    wire::{BlocklistAnswer, NoQuestion},
};

use super::{
    file::insert,
    service_answer::{json, tag},
};
use crate::{
    ApiError,
    access::Role,
    body::{BodyOf, SmallBody},
    gateway::parsed,
    state::AppState,
};

/// `GET /api/blocklist`
pub(super) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state
        .control
        .check(&headers, Role::Operator, "blocklist")
        .await?;
    let answer = state
        .gateway
        .ask("catalog.blocklist", &NoQuestion {})
        .await?;
    tagged(answer)
}

/// The body of a `PUT`; the answer of a `GET` is one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlocklistBody {
    modules: serde_json::Value,
    #[serde(default)]
    revision: Option<u64>,
    /// Of an answer that is sent back; the service counts anew.
    #[serde(default, rename = "effect")]
    _effect: Option<serde_json::Value>,
}

/// `PUT /api/blocklist`
pub(super) async fn put(
    State(state): State<AppState>,
    headers: HeaderMap,
    BodyOf(body): SmallBody,
) -> Result<Response, ApiError> {
    state.control.check(&headers, Role::Admin, "block").await?;
    let list: BlocklistBody = serde_json::from_slice(&body).map_err(|error| {
        let problem = Problem::general(
            ProblemCode::Malformed,
            format!("The body isn't `{{\"modules\": [{{\"module\": \"…\"}}]}}`: {error}."),
        );
        ApiError::from(Refusal::new(RefusalStatus::BadRequest, problem))
    })?;
    let revision = match headers.get(header::IF_MATCH) {
        Some(tag) => Some(revision_of(tag)?),
        None => list.revision,
    };
    let question = serde_json::json!({"modules": list.modules, "revision": revision});
    tagged(state.gateway.ask_once("catalog.block", &question).await?)
}

fn revision_of(tag: &HeaderValue) -> Result<u64, ApiError> {
    let number = tag
        .to_str()
        .ok()
        .and_then(|text| text.trim_matches('"').parse().ok());
    number.ok_or_else(|| {
        ApiError::refused(
            RefusalStatus::BadRequest,
            ProblemCode::InvalidValue,
            "`If-Match` takes the `ETag` of `GET /api/blocklist`.",
        )
    })
}

fn tagged(answer: bytes::Bytes) -> Result<Response, ApiError> {
    let list: BlocklistAnswer = parsed(&answer)?;
    let mut response = json(answer);
    insert(response.headers_mut(), header::ETAG, &tag(list.revision));
    Ok(response)
}
