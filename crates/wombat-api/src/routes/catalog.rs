//! The catalog, the builders, and the platforms on offer.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use wombat_model::{
    Platform,
    wire::{CatalogQuestion, ComponentQuestion, NoQuestion, StatsQuestion},
};

use super::service_answer::json;
use crate::{ApiError, OfferedPlatform, PlatformsAnswer, params::Params, state::AppState};

/// `GET /api/catalog`
pub(super) async fn search(State(state): State<AppState>, uri: Uri) -> Result<Response, ApiError> {
    let question = question(&uri)?;
    Ok(json(state.gateway.ask("catalog.search", &question).await?))
}

/// `GET /api/catalog/components`
pub(super) async fn components(
    State(state): State<AppState>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let question = question(&uri)?;
    Ok(json(
        state.gateway.ask("catalog.components", &question).await?,
    ))
}

fn question(uri: &Uri) -> Result<CatalogQuestion, ApiError> {
    let mut params = Params::of(uri);
    let question = CatalogQuestion {
        query: params.text("q").unwrap_or_default(),
        kind: params.parsed("kind"),
        module: params.parsed("module"),
        version: params.parsed("version"),
        limit: params.number("limit"),
    };
    params.finish()?;
    Ok(question)
}

/// `GET /api/catalog/components/{name}`
pub(super) async fn component(
    State(state): State<AppState>,
    Path(component): Path<String>,
) -> Result<Response, ApiError> {
    let question = ComponentQuestion { component };
    Ok(json(
        state.gateway.ask("catalog.component", &question).await?,
    ))
}

/// `GET /api/catalog/components/{kind}/{name}`
pub(super) async fn component_of_kind(
    State(state): State<AppState>,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let component = format!("{kind}/{name}");
    self::component(State(state), Path(component)).await
}

/// `GET /api/catalog/go-releases`
pub(super) async fn go_releases(State(state): State<AppState>) -> Result<Response, ApiError> {
    let answer = state.gateway.ask("catalog.goreleases", &NoQuestion {});
    Ok(json(answer.await?))
}

/// `GET /api/builders`
pub(super) async fn builders(State(state): State<AppState>) -> Result<Response, ApiError> {
    Ok(json(
        state.gateway.ask("build.builders", &NoQuestion {}).await?,
    ))
}

/// `GET /api/stats`
pub(super) async fn stats(State(state): State<AppState>, uri: Uri) -> Result<Response, ApiError> {
    let mut params = Params::of(&uri);
    let question = StatsQuestion {
        minutes: params.number("minutes"),
    };
    params.finish()?;
    Ok(json(state.gateway.ask("build.stats", &question).await?))
}

/// `GET /api/platforms`
pub(super) async fn platforms() -> axum::Json<PlatformsAnswer> {
    let platforms = Platform::ALL
        .iter()
        .map(|platform| OfferedPlatform {
            goos: platform.goos(),
            goarch: platform.goarch(),
            variants: platform.goarch().variants(),
        })
        .collect();
    axum::Json(PlatformsAnswer { platforms })
}
