//! What a finished binary says of a pipeline.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use tracing::warn;
use wombat_model::{
    ProblemCode, RefusalStatus,
    wire::{LintQuestion, LintReply},
};

use super::{
    artifacts::{expired, without_artifact},
    catalog::pipeline_of,
    key,
};
use crate::{ApiError, access::Role, body::SmallBody, caller::Caller, state::AppState};

/// `POST /api/builds/{id}/lint`: the body is the pipeline as it is.
pub(super) async fn lint(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    SmallBody(body): SmallBody,
) -> Result<Response, ApiError> {
    if state.require_token {
        state.control.check(&headers, Role::Reader, "lint")?;
    }
    let key = key(&id)?;
    let pipeline = pipeline_of(body)?;
    // From the leader: the object of an older record may be gone.
    let record = state.record(&key).await?;
    let Some(artifact) = record.build.artifact() else {
        return without_artifact(&record, &caller);
    };
    let platform = record.build.spec().target().platform();
    let question = LintQuestion {
        artifact: artifact.name.clone(),
        sha256: artifact.sha256.clone(),
        pipeline,
    };
    match state.gateway.ask_lint(platform, &question).await? {
        Some(LintReply::Answer(answer)) => Ok(Json(answer).into_response()),
        Some(LintReply::Gone) => Err(expired(&record, &caller)),
        Some(LintReply::Failed(message)) => {
            warn!(%key, message, "a binary can't be asked");
            Err(ApiError::refused(
                RefusalStatus::Unprocessable,
                ProblemCode::InvalidValue,
                format!("The binary couldn't be asked: {message}."),
            ))
        }
        None => Err(ApiError::refused(
            RefusalStatus::Unprocessable,
            ProblemCode::UnsupportedPlatform,
            format!(
                "No builder here can run a binary for {platform} where it is kept from everything; run its `lint` on a machine of yours."
            ),
        )),
    }
}
