//! Whether the process lives, and whether it can do its work.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use wombat_model::{Problem, ProblemCode, Refusal, RefusalStatus};

use crate::{ApiError, state::AppState};

/// `GET /healthz`
pub(super) async fn alive() -> Response {
    "alive\n".into_response()
}

/// `GET /readyz`
pub(super) async fn ready(State(state): State<AppState>) -> Result<Response, ApiError> {
    let connection = state.gateway.connection();
    let mut missing = Vec::new();
    if !connection.is_up() {
        missing.push("The connection to NATS is down.");
    }
    if !state.records.ticks().borrow().ready {
        missing.push("The records of builds aren't read yet.");
    }
    if !state.logs.is_ready() {
        missing.push("The logs of builds aren't followed yet.");
    }
    if connection.health().borrow().denied_lately().is_some() {
        missing.push("NATS refused a permission that the gateway needs; its log says which.");
    }
    if missing.is_empty() {
        return Ok("ready\n".into_response());
    }
    Err(Refusal {
        status: RefusalStatus::Unavailable,
        problems: missing
            .into_iter()
            .map(|message| Problem::general(ProblemCode::Unavailable, message))
            .collect(),
        retry_after: None,
    }
    .into())
}

/// Answer of `GET /api/version`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionAnswer {
    /// Version of Wombat Builder.
    pub version: &'static str,
    /// Whether cancelling and forcing need a token here.
    pub cancel_needs_token: bool,
}

/// `GET /api/version`
pub(super) async fn version(State(state): State<AppState>) -> axum::Json<VersionAnswer> {
    axum::Json(VersionAnswer {
        version: env!("CARGO_PKG_VERSION"),
        cancel_needs_token: state.control.needs_token(),
    })
}
