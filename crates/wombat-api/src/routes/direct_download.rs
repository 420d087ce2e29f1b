//! Direct download: one address that asks for a binary, waits until it is built, and redirects to it.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use wombat_model::{
    Problem, ProblemCode, Refusal, RefusalStatus, Status, request::RequestBody, wire::BuildView,
};

use super::builds::{Until, held};
use super::file::insert;
use crate::{
    ApiError,
    access::Role,
    caller::Caller,
    gateway::{parsed, written},
    params::Params,
    state::AppState,
};

/// How long one answer waits, in seconds: less than proxies allow.
const HOLD: u64 = 25;
/// How often a client is redirected here: curl gives up after 50 redirects.
const MOST_ROUNDS: u32 = 40;

/// `GET /dl/{goos}/{goarch}?components=nats,redis`
///
/// Redirects to the binary once it is built; while it isn't, back to itself.
pub(super) async fn download(
    State(state): State<AppState>,
    caller: Caller,
    Path((goos, goarch)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    refuse_embedding(&headers)?;
    if state.require_token {
        state
            .control
            .check(&headers, Role::Reader, "request")
            .await?;
    }
    let mut params = Params::of(&uri);
    let round = params.number("round").unwrap_or_default();
    let body = RequestBody {
        goos,
        goarch,
        go_version: params.text("goVersion"),
        variant: params.text("variant"),
        base: params.text("base"),
        name: params.text("name"),
        version: params.text("version"),
        template: params.number("template"),
        components: listed(params.text("components")),
        packages: listed(params.text("packages")),
        ..RequestBody::default()
    };
    params.finish()?;
    let asked = state
        .gateway
        .pass_on("build.request", written(&body)?, caller.address);
    let build: BuildView = parsed(&asked.await?)?;
    let build = held(&state, build, HOLD, Until::Finished).await?;
    match build.build.status {
        Status::Success => Ok(see(
            StatusCode::SEE_OTHER,
            &caller.location(&build.id.artifact_path()),
        )),
        Status::Failed | Status::Cancelled => Err(failed(&build).into()),
        Status::New | Status::Building if round < MOST_ROUNDS => {
            let location = caller.location(&again(&uri, round + 1));
            Ok(see(StatusCode::TEMPORARY_REDIRECT, &location))
        }
        Status::New | Status::Building => Err(ApiError::unavailable(format!(
            "The binary is still being built; /api/builds/{} shows the progress.",
            build.id
        ))),
    }
}

/// A page of another website that embeds this address, such as in an image, would make its readers request builds.
fn refuse_embedding(headers: &HeaderMap) -> Result<(), ApiError> {
    let is = |name: &str, value: &str| {
        headers
            .get(name)
            .is_some_and(|it| it.as_bytes() == value.as_bytes())
    };
    if is("sec-fetch-site", "cross-site") && !is("sec-fetch-mode", "navigate") {
        return Err(ApiError::refused(
            RefusalStatus::Forbidden,
            ProblemCode::Forbidden,
            "Pages of other websites may link to this address, but not embed it.",
        ));
    }
    Ok(())
}

/// Names between commas.
fn listed(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let names = text.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The same address, a round later.
fn again(uri: &Uri, round: u32) -> String {
    let query = uri.query().unwrap_or_default();
    let kept = query
        .split('&')
        .filter(|part| !part.starts_with("round=") && !part.is_empty());
    let mut parts: Vec<&str> = kept.collect();
    let round = format!("round={round}");
    parts.push(&round);
    format!("{}?{}", uri.path(), parts.join("&"))
}

fn see(status: StatusCode, location: &str) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    insert(headers, header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failed(build: &BuildView) -> Refusal {
    let words = build.build.error.clone();
    let message = words.unwrap_or_else(|| format!("The build was {}.", build.build.status));
    let message = format!("{message} (/api/builds/{} has the log.)", build.id);
    Refusal::new(
        RefusalStatus::Unprocessable,
        Problem::general(ProblemCode::BuildFailed, message),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_commas() {
        assert_eq!(listed(Some("nats, redis,,".into())), ["nats", "redis"]);
        assert!(listed(None).is_empty());
    }

    #[test]
    fn a_round_follows_another() {
        let uri: Uri = "/dl/linux/amd64?components=nats&round=3&base=pure"
            .parse()
            .unwrap();
        assert_eq!(
            again(&uri, 4),
            "/dl/linux/amd64?components=nats&base=pure&round=4"
        );
        assert_eq!(again(&"/dl/a/b".parse().unwrap(), 1), "/dl/a/b?round=1");
    }
}
