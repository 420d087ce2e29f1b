//! Requesting, showing and cancelling builds.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header};
use wombat_model::{
    Status,
    wire::{BuildView, IdQuestion, ListQuestion},
};

use super::{
    build_id::key,
    build_response::{BuildSummary, passed_on, view},
    file::insert,
    service_answer::{json, tag},
};
use crate::{
    ApiError,
    access::Role,
    body::{BodyOf, SmallBody},
    caller::Caller,
    gateway::{parsed, written},
    params::Params,
    places::{LongCall, Place},
    range::matches_none,
    state::AppState,
};

/// Longest wait for a build, in seconds.
const MAX_WAIT: u64 = 60;
/// How long one answer of a direct download waits, in seconds: less than proxies allow.
pub(super) const DOWNLOAD_WAIT: u64 = 25;

/// `POST /api/builds`
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    BodyOf(body): SmallBody,
) -> Result<Response, ApiError> {
    let mut params = Params::of(&uri);
    let wait = params.wait(&headers);
    params.finish()?;
    let subject = if has_force(&body) {
        state
            .control
            .check(&headers, Role::Operator, "force")
            .await?;
        "build.force"
    } else {
        state.check_reader(&headers, "request").await?;
        "build.request"
    };
    // Taken before the build is requested, so that a request that is refused for want of a place changes nothing.
    let wait = match wait {
        None => None,
        Some(wait) => Some((wait, state.place(LongCall::Wait, &caller, &headers).await?)),
    };
    let answer = state.gateway.pass_on(subject, body, caller.address).await?;
    let summary: BuildSummary = parsed(&answer)?;
    let waits = wait.filter(|_| !summary.status.is_terminal());
    let (answer, summary) = match waits {
        None => (answer, summary),
        Some((wait, place)) => {
            let build = held(&state, place, parsed(&answer)?, wait, Until::Finished).await?;
            (written(&build)?, BuildSummary::of(&build))
        }
    };
    let status = if summary.status.is_terminal() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let mut response = passed_on(status, answer, &summary);
    let location = caller.location(&format!("/api/builds/{}", summary.id));
    insert(response.headers_mut(), header::LOCATION, &location);
    Ok(response)
}

/// `POST /api/resolve`
pub(super) async fn resolve(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    BodyOf(body): SmallBody,
) -> Result<Response, ApiError> {
    let mut params = Params::of(&uri);
    let is_ahead = params.flag("ahead");
    params.finish()?;
    // A client that may not request a build may not have one begun either; its question is answered all the same.
    let subject = if is_ahead && state.check_reader(&headers, "ahead").await.is_ok() {
        "build.ahead"
    } else {
        "build.resolve"
    };
    let answer = state.gateway.pass_on(subject, body, caller.address);
    Ok(json(answer.await?))
}

/// `GET /api/builds`
pub(super) async fn list(State(state): State<AppState>, uri: Uri) -> Result<Response, ApiError> {
    let mut params = Params::of(&uri);
    let question = ListQuestion {
        query: params.text("q").unwrap_or_default(),
        limit: params.number("limit"),
        cursor: params.text("cursor"),
        sort: params.text("sort"),
        facets: params.flag("facets"),
    };
    params.finish()?;
    Ok(json(state.gateway.ask("build.list", &question).await?))
}

/// `GET /api/builds/{id}`
pub(super) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut params = Params::of(&uri);
    let wait = params.wait(&headers);
    params.finish()?;
    let mut answer = state.builds.answer(&key(&id)?).await?;
    let mut summary: BuildSummary = parsed(&answer)?;
    let known = matches_none(&headers, &tag(summary.revision));
    let revision = summary.revision;
    let until = match wait {
        Some(wait) if known => Some((wait, Until::After(revision))),
        // A wait with a tag is for a change, and there is one already.
        Some(wait) if !headers.contains_key(header::IF_NONE_MATCH) => Some((wait, Until::Finished)),
        Some(_) | None => None,
    };
    if let Some((wait, until)) = until.filter(|(_, until)| !until.is_met(revision, summary.status))
    {
        let place = state.place(LongCall::Wait, &caller, &headers).await?;
        let build = held(&state, place, parsed(&answer)?, wait, until).await?;
        (answer, summary) = (written(&build)?, BuildSummary::of(&build));
    }
    let answer = passed_on(StatusCode::OK, answer, &summary);
    if known && summary.revision == revision {
        let (head, _) = answer.into_parts();
        let kept = [header::ETAG, header::CACHE_CONTROL, header::RETRY_AFTER];
        let headers: HeaderMap = head
            .headers
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value)))
            .filter(|(name, _)| kept.contains(name))
            .collect();
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok(answer)
}

/// `DELETE /api/builds/{id}`
pub(super) async fn cancel(
    State(state): State<AppState>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut params = Params::of(&uri);
    let purge = params.flag("purge");
    params.finish()?;
    if purge {
        state.control.check(&headers, Role::Admin, "purge").await?;
        let question = IdQuestion { id: key(&id)? };
        return Ok(json(
            state.gateway.ask_once("build.purge", &question).await?,
        ));
    }
    state
        .control
        .check(&headers, Role::Operator, "cancel")
        .await?;
    let question = IdQuestion { id: key(&id)? };
    let answer = state.gateway.ask_once("build.cancel", &question).await?;
    view(StatusCode::OK, &parsed(&answer)?)
}

/// Whether a body asks for a forced rebuild, which takes a role. The service checks everything else about the body.
fn has_force(body: &[u8]) -> bool {
    // Without the word there is no such field, unless its name is written with escapes.
    let may = body.contains(&b'\\') || body.windows(5).any(|word| word == b"force");
    may && serde_json::from_slice::<serde_json::Value>(body)
        .is_ok_and(|value| value.get("force").and_then(serde_json::Value::as_bool) == Some(true))
}

/// What a wait is for.
#[derive(Clone, Copy)]
pub(super) enum Until {
    Finished,
    /// Any revision after this one.
    After(u64),
}

impl Until {
    fn is_met(self, revision: u64, status: Status) -> bool {
        match self {
            Self::Finished => status.is_terminal(),
            Self::After(known) => revision > known,
        }
    }
}

/// Why a finished build has no binary.
pub(super) fn why_not(build: &BuildView) -> String {
    let error = build.build.error.clone();
    error.unwrap_or_else(|| format!("The build was {}.", build.build.status))
}

/// Waits up to `seconds` for the build; returns it as it is then. The place is free again afterwards.
pub(super) async fn held(
    state: &AppState,
    _place: Place,
    build: BuildView,
    seconds: u64,
    until: Until,
) -> Result<BuildView, ApiError> {
    if until.is_met(build.revision, build.build.status) {
        return Ok(build);
    }
    let mut follower = state.records.follow(&build.id);
    let met = async {
        loop {
            if let Some(record) = follower.latest().record
                && record.revision >= build.revision
                && until.is_met(record.revision, record.build.status())
            {
                return record;
            }
            follower.changed().await;
        }
    };
    tokio::select! {
        record = met => if record.says_all() {
            return Ok(record.view());
        },
        () = tokio::time::sleep(Duration::from_secs(seconds.min(MAX_WAIT))) => {}
        () = state.stop.cancelled() => {}
    }
    state.builds.view(&build.id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn force_is_seen_in_any_body() {
        assert!(has_force(br#"{"goos":"linux","force":true}"#));
        assert!(has_force(br#"{"force":false,"force":true}"#));
        assert!(has_force(br#"{"\u0066orce":true}"#));
        for calm in [
            &br#"{"force":false}"#[..],
            br#"{"force":"true"}"#,
            b"not json",
            b"[]",
        ] {
            assert!(!has_force(calm));
        }
    }
}
