//! Whether the process is alive, and whether it can serve clients.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use wombat_model::{Problem, ProblemCode, Refusal, RefusalStatus};

use crate::{
    ApiError, VersionAnswer,
    health::{self, Findings, HealthReport},
    state::AppState,
};

/// `GET /healthz`
pub(super) async fn alive() -> Response {
    "alive\n".into_response()
}

/// `GET /readyz`: whether a list, a request and a download would be answered now.
pub(super) async fn ready(State(state): State<AppState>) -> Result<Response, ApiError> {
    let Findings {
        problems, notes, ..
    } = health::check(&state).await;
    if problems.is_empty() {
        let notes = notes.iter().map(|note| format!("note: {note}\n"));
        return Ok(format!("ready\n{}", notes.collect::<String>()).into_response());
    }
    Err(Refusal {
        status: RefusalStatus::Unavailable,
        problems: problems
            .into_iter()
            .map(|message| Problem::general(ProblemCode::Unavailable, message))
            .collect(),
        retry_after: None,
    }
    .into())
}

/// `GET /api/health`: the same and more, as JSON; the answer itself is always 200.
pub(super) async fn report(State(state): State<AppState>) -> Response {
    let found = health::check(&state).await;
    let report = HealthReport::of(found, state.gateway.connection().is_up());
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(report)).into_response()
}

/// `GET /api/version`
pub(super) async fn version(State(state): State<AppState>) -> axum::Json<VersionAnswer> {
    axum::Json(VersionAnswer {
        version: env!("CARGO_PKG_VERSION"),
        cancel_needs_token: state.control.needs_token(),
    })
}
