//! What is in a finished binary, told by the binary itself.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tracing::warn;
use wombat_model::{ProblemCode, Refusal, RefusalStatus};

use super::{
    artifacts::{expired, seen_record, source, without_artifact},
    file::insert,
    key,
};
use crate::{
    ApiError, cache::Source, caller::Caller, contents::ContentsError, range::matches_none,
    state::AppState,
};

/// The binary may be another one after a forced rebuild.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("no-cache");

/// `GET /api/builds/{id}/contents`
pub(super) async fn contents(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = key(&id)?;
    let mut record = seen_record(&state, &key).await?;
    for last in [false, true] {
        let Some(artifact) = record.build.artifact() else {
            return without_artifact(&record, &caller);
        };
        // Weak: what is sent may be compressed.
        let tag = format!("W/\"{}\"", artifact.sha256);
        let described = |mut response: Response| {
            insert(response.headers_mut(), header::ETAG, &tag);
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, ASK_FIRST);
            response
        };
        if matches_none(&headers, &tag) {
            return Ok(described(StatusCode::NOT_MODIFIED.into_response()));
        }
        if let Some(contents) = state.contents.remembered(&artifact.sha256) {
            return Ok(described(Json(&*contents).into_response()));
        }
        if let Some(source) = source(&state, artifact).await? {
            let Source::File(file) = source else {
                return Err(ApiError::unavailable(
                    "The gateway's disk has no room for the binary, and what is in it can't be told without.",
                ));
            };
            let looked = state.contents.look(artifact.sha256.clone(), file).await;
            return match looked {
                Ok(contents) => Ok(described(Json(&*contents).into_response())),
                Err(ContentsError::Read(error)) => {
                    warn!(%key, %error, "a cached file can't be read");
                    Err(Refusal::internal().into())
                }
                Err(error @ ContentsError::Unknown(_)) => Err(ApiError::refused(
                    RefusalStatus::Unprocessable,
                    ProblemCode::InvalidValue,
                    format!("{error}."),
                )),
            };
        }
        if !last {
            record = state.record(&key).await?;
        }
    }
    warn!(%key, "the object that the record names is gone");
    Err(expired(&record, &caller))
}
