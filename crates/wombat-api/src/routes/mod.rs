//! The one list of routes.

mod artifacts;
mod blocklist;
mod builds;
mod catalog;
mod contents;
mod events;
mod file;
mod health;
mod imports;
mod lint;
mod log;
mod one_line;

pub use catalog::{OfferedPlatform, PlatformsAnswer};
pub use health::VersionAnswer;

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use tower_http::compression::CompressionLayer;
use wombat_model::{BuildKey, Status, wire::BuildView};

use crate::{
    ApiError,
    gateway::written,
    headers::{finish, own_writes_only},
    openapi,
    state::AppState,
    ui,
};

/// How long a call may take that neither waits nor streams.
const HANDLER_LIMIT: Duration = Duration::from_secs(10);

/// Everything that the gateway answers.
pub fn app(state: AppState) -> Router {
    let quick = Router::new()
        .route("/api/builds/{id}/log", get(log::log))
        .route("/api/builds/{id}/recipe", get(log::recipe))
        .route("/api/builds/{id}/lint", post(lint::lint))
        .route("/api/builds/{id}/contents", get(contents::contents))
        .route("/api/resolve", post(builds::resolve))
        .route("/api/catalog", get(catalog::search))
        .route("/api/catalog/select", post(catalog::select))
        .route("/api/catalog/components", get(catalog::components))
        .route("/api/catalog/components/{name}", get(catalog::component))
        .route(
            "/api/catalog/components/{kind}/{name}",
            get(catalog::component_of_kind),
        )
        .route(
            "/api/catalog/imports",
            get(imports::list).post(imports::ask),
        )
        .route("/api/blocklist", get(blocklist::get).put(blocklist::put))
        .route("/api/builders", get(catalog::builders))
        .route("/api/stats", get(catalog::stats))
        .route("/api/platforms", get(catalog::platforms))
        .route("/api/version", get(health::version))
        .route("/api/health", get(health::report))
        .route("/api/openapi.json", get(document))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(ui::serve)
        .layer(CompressionLayer::new())
        .layer(from_fn(limit_time));
    // These wait, stream, or carry a tag that stands for the very bytes.
    let slow = Router::new()
        .route("/api/builds", get(builds::list).post(builds::create))
        .route("/api/builds/{id}", get(builds::get).delete(builds::cancel))
        .route("/api/builds/{id}/events", get(events::of_build))
        .route("/api/events", get(events::of_all))
        .route("/dl/{goos}/{goarch}", get(one_line::download))
        .route(
            "/artifacts/{goos}/{goarch}/{go}/{hash}",
            get(artifacts::download).head(artifacts::describe),
        );
    quick
        .merge(slow)
        .layer(from_fn_with_state(state.clone(), own_writes_only))
        .layer(from_fn_with_state(state.clone(), finish))
        .with_state(state)
}

/// `GET /api/openapi.json`
async fn document() -> Response {
    json(openapi::DOCUMENT.clone())
}

async fn limit_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(HANDLER_LIMIT, next.run(request))
        .await
        .unwrap_or_else(|_| ApiError::Overdue.into_response())
}

/// The id in a path.
fn key(id: &str) -> Result<BuildKey, ApiError> {
    id.parse()
        .map_err(|error| ApiError::not_found(format!("{error}.")))
}

/// An answer of the service, as it came.
fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The tag of a record.
fn tag(revision: u64) -> String {
    format!("\"{revision}\"")
}

/// What the head of a response tells of the build in its body: read out of an answer that is passed on as it came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Glance {
    id: BuildKey,
    revision: u64,
    status: Status,
    eta_seconds: Option<u64>,
}

impl Glance {
    fn of(view: &BuildView) -> Self {
        Self {
            id: view.id.clone(),
            revision: view.revision,
            status: view.build.status,
            eta_seconds: view.eta_seconds,
        }
    }
}

/// A build, with the tag of its record.
fn view(status: StatusCode, view: &BuildView) -> Result<Response, ApiError> {
    Ok(passed_on(status, written(view)?, &Glance::of(view)))
}

/// The same for a build that the service has written already.
fn passed_on(status: StatusCode, body: Bytes, glance: &Glance) -> Response {
    let mut response = (status, json(body)).into_response();
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag(glance.revision)) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if !glance.status.is_terminal() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(patience(glance)));
    }
    response
}

/// Seconds after which it is worth looking again.
fn patience(glance: &Glance) -> u64 {
    glance.eta_seconds.map_or(2, |eta| (eta / 4).clamp(1, 30))
}
