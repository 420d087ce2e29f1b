//! The contents of a finished binary, read from the binary itself.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tracing::warn;
use wombat_model::{ProblemCode, Refusal, RefusalStatus};

use super::{
    artifacts::{expired, newest_record, seen_record, source, without_artifact},
    build_id::key,
    file::insert,
};
use crate::{
    ApiError, cache::Source, caller::Caller, contents::Known, range::matches_none, state::AppState,
};

/// A forced rebuild may replace the binary.
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
        // Weak: the body may be compressed.
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
        let answer = |known| match known {
            Known::Contents(contents) => Ok(described(Json(&*contents).into_response())),
            Known::Unreadable(why) => Err(ApiError::refused(
                RefusalStatus::Unprocessable,
                ProblemCode::InvalidValue,
                why.to_string(),
            )),
        };
        if let Some(known) = state.contents.known(&artifact.sha256) {
            return answer(known);
        }
        if let Some(source) = source(&state, artifact).await? {
            let Source::File(file) = source else {
                return Err(ApiError::unavailable(
                    "The gateway can't store the binary on its disk, and can't read its contents without; try again later.",
                ));
            };
            let read = state.contents.read(artifact.sha256.clone(), file).await;
            return match read {
                Ok(known) => answer(known),
                Err(error) => {
                    warn!(%key, %error, "a cached file can't be read");
                    Err(Refusal::internal().into())
                }
            };
        }
        if !last {
            record = newest_record(&state, &key).await?;
        }
    }
    warn!(%key, "the object store has lost the binary of a record");
    Err(expired(&record, &caller))
}
