//! Imports into the catalog.

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use wombat_model::{catalog::Import, wire::NoQuestion};

use super::{file::insert, service_answer::json};
use crate::{
    ApiError,
    access::Role,
    body::{BodyOf, SmallBody},
    caller::Caller,
    gateway::parsed,
    state::AppState,
};

/// The list of imports.
const PATH: &str = "/api/catalog/imports";
/// Seconds until it is worth looking again: building a package takes some.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// `GET /api/catalog/imports`
pub(super) async fn list(State(state): State<AppState>) -> Result<Response, ApiError> {
    let answer = state.gateway.ask("catalog.imports", &NoQuestion {});
    Ok(json(answer.await?))
}

/// `POST /api/catalog/imports`
pub(super) async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    BodyOf(body): SmallBody,
) -> Result<Response, ApiError> {
    state.control.check(&headers, Role::Admin, "import").await?;
    let answer = state.gateway.pass_on("catalog.import", body, None).await?;
    let import: Import = parsed(&answer)?;
    let mut response = json(answer);
    if !import.is_over() {
        *response.status_mut() = StatusCode::ACCEPTED;
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        insert(headers, header::LOCATION, &caller.location(PATH));
    }
    Ok(response)
}
