//! Linting a pipeline with a finished binary.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use tracing::warn;
use wombat_model::{
    Problem, ProblemCode, Refusal, RefusalStatus,
    wire::{LintQuestion, LintReply},
};

use super::{
    artifacts::{expired, newest_record, without_artifact},
    build_id::key,
    select::text_of,
};
use crate::{
    ApiError,
    body::{BodyOf, PipelineBody},
    caller::Caller,
    state::AppState,
};

/// `POST /api/builds/{id}/lint`: the body is the pipeline as it is, of at most 256 KiB.
pub(super) async fn lint(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    BodyOf(body): PipelineBody,
) -> Result<Response, ApiError> {
    state.check_reader(&headers, "lint").await?;
    let key = key(&id)?;
    let pipeline = text_of(body, "pipeline")?;
    // From the leader: the object of an older record may be removed.
    let record = newest_record(&state, &key).await?;
    let Some(artifact) = record.build.artifact() else {
        return without_artifact(&record, &caller);
    };
    state.blocked.refuse(&record.build, artifact).await?;
    let platform = record.build.spec().target().platform();
    let question = LintQuestion {
        artifact: artifact.name.clone(),
        sha256: artifact.sha256.clone(),
        pipeline,
    };
    let asking = state.gateway.ask_lint(platform, &question, caller.address);
    match asking.await? {
        Some(LintReply::Answer(answer)) => Ok(Json(answer).into_response()),
        Some(LintReply::Gone) => Err(expired(&record, &caller)),
        Some(LintReply::Busy { retry_after }) => Err(busy(retry_after)),
        Some(LintReply::Failed(message)) => {
            warn!(%key, message, "a binary couldn't lint a pipeline");
            Err(ApiError::refused(
                RefusalStatus::Unprocessable,
                ProblemCode::InvalidValue,
                format!("The binary couldn't lint the pipeline: {message}."),
            ))
        }
        None => Err(ApiError::refused(
            RefusalStatus::Unprocessable,
            ProblemCode::UnsupportedPlatform,
            format!(
                "No builder can run a binary for {platform} in a sandbox; run its `lint` on your own machine."
            ),
        )),
    }
}

fn busy(retry_after: u64) -> ApiError {
    let message = format!(
        "Too many pipelines wait for their lint; try again in {retry_after} s, and with one at a time."
    );
    Refusal {
        status: RefusalStatus::Unavailable,
        problems: vec![Problem::general(ProblemCode::TooBusy, message)],
        retry_after: Some(retry_after),
    }
    .into()
}
