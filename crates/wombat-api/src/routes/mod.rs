//! The one list of routes.

mod artifacts;
mod blocklist;
mod build_id;
mod build_response;
mod builds;
mod catalog;
mod contents;
mod direct_download;
mod download_page;
mod events;
mod file;
mod health;
mod imports;
mod lint;
mod log;
mod select;
mod service_answer;
mod wanted;

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::compression::CompressionLayer;
use wombat_model::wire::LINT_PATIENCE;

use self::service_answer::json;
use crate::{
    ApiError,
    admission::admit,
    body::ARRIVAL_LIMIT,
    headers::{finish, own_writes_only},
    openapi,
    state::AppState,
    ui,
};

/// How long a call may take that neither waits nor streams: its body takes time to arrive, and NATS to answer.
const HANDLER_LIMIT: Duration = ARRIVAL_LIMIT.saturating_add(Duration::from_secs(2));
/// The same for a call that reads a log or a recipe.
const READING_LIMIT: Duration = HANDLER_LIMIT.saturating_add(log::READS_LIMIT);
/// The same for a call that a builder answers.
const LINTING_LIMIT: Duration = HANDLER_LIMIT.saturating_add(LINT_PATIENCE);

/// All routes, with the layers around them.
pub fn app(state: AppState) -> Router {
    let reading = Router::new()
        .route("/api/builds/{id}/log", get(log::log))
        .route("/api/builds/{id}/recipe", get(log::recipe))
        .layer(from_fn_with_state(READING_LIMIT, limit_time));
    let linting = Router::new()
        .route("/api/builds/{id}/lint", post(lint::lint))
        .layer(from_fn_with_state(LINTING_LIMIT, limit_time));
    let quick = Router::new()
        .route("/api/builds/{id}/contents", get(contents::contents))
        .route("/api/resolve", post(builds::resolve))
        .route("/api/catalog", get(catalog::search))
        .route("/api/catalog/select", post(select::select))
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
        .route("/api/catalog/go-releases", get(catalog::go_releases))
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
        .layer(from_fn_with_state(HANDLER_LIMIT, limit_time))
        .merge(reading)
        .merge(linting)
        .layer(CompressionLayer::new());
    // These wait, stream, or have a strong tag, which compression would make wrong.
    let slow = Router::new()
        .route("/api/builds", get(builds::list).post(builds::create))
        .route("/api/builds/{id}", get(builds::get).delete(builds::cancel))
        .route("/api/builds/{id}/events", get(events::of_build))
        .route("/api/events", get(events::of_all))
        .route(
            "/dl/{goos}/{goarch}",
            get(direct_download::download).post(direct_download::start),
        )
        .route(
            "/artifacts/{goos}/{goarch}/{go}/{hash}",
            get(artifacts::download).head(artifacts::describe),
        );
    quick
        .merge(slow)
        .layer(from_fn_with_state(state.clone(), own_writes_only))
        .layer(from_fn_with_state(state.clone(), admit))
        .layer(from_fn_with_state(state.clone(), finish))
        .with_state(state)
}

/// `GET /api/openapi.json`
async fn document() -> Response {
    json(openapi::DOCUMENT.clone())
}

async fn limit_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::timeout(limit, next.run(request))
        .await
        .unwrap_or_else(|_| ApiError::Overdue.into_response())
}

#[cfg(test)]
mod tests {
    use wombat_model::wire::LINT_LIMIT;

    use super::*;

    #[test]
    fn a_call_may_take_longer_than_everything_that_it_waits_for() {
        for (call, within) in [
            (HANDLER_LIMIT, ARRIVAL_LIMIT),
            (READING_LIMIT, ARRIVAL_LIMIT.max(log::READS_LIMIT)),
            (LINTING_LIMIT, ARRIVAL_LIMIT + LINT_PATIENCE),
            (LINT_PATIENCE, LINT_LIMIT),
        ] {
            assert!(call > within, "{call:?} {within:?}");
        }
    }
}
