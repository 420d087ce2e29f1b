//! Bodies of requests, with limits for their size and the time that they take to arrive.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wombat_model::{
    Refusal,
    names::{MAX_BODY, MAX_PIPELINE_TEXT},
};

use crate::{ApiError, form};

/// How long a body may take to arrive.
pub(crate) const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);

/// A body of at most this many bytes, whatever its media type.
#[derive(Debug)]
pub(crate) struct BodyOf<const BYTES: usize>(pub(crate) Bytes);

/// Anything but pipelines.
pub(crate) type SmallBody = BodyOf<MAX_BODY>;

/// A pipeline as it is.
pub(crate) type PipelineBody = BodyOf<MAX_PIPELINE_TEXT>;

impl<const BYTES: usize, S> FromRequest<S> for BodyOf<BYTES>
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        read(request, BYTES).await.map(Self)
    }
}

/// Pipelines: one as it is, a question in JSON, or files of a form.
pub(crate) enum PipelinesBody {
    Plain(Bytes),
    Json(Bytes),
    Form { body: Bytes, boundary: String },
}

/// Largest question about pipelines, in bytes: in JSON and in forms, texts are longer.
pub(crate) const MAX_QUESTION: usize = 1024 * 1024;

impl<S> FromRequest<S> for PipelinesBody
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        if is_json(request.headers()) {
            return read(request, MAX_QUESTION).await.map(Self::Json);
        }
        if let Some(boundary) = form::boundary(request.headers())? {
            let body = read(request, MAX_QUESTION).await?;
            return Ok(Self::Form { body, boundary });
        }
        read(request, MAX_PIPELINE_TEXT).await.map(Self::Plain)
    }
}

/// The refusal of a body that has more bytes than this.
pub(crate) fn too_large(limit: usize) -> ApiError {
    let message = format!(
        "The body is too large: at most {limit} bytes ({} KiB) are taken here.",
        limit / 1024
    );
    Refusal::too_large(None, message).into()
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE);
    let media = media.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

async fn read(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let body = Limited::new(request.into_body(), limit);
    match tokio::time::timeout(ARRIVAL_LIMIT, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(_)) => Err(ApiError::Bare(StatusCode::BAD_REQUEST)),
        Err(_) => Err(ApiError::Slow),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_json_is_taken_for_json() {
        for (media, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/yaml", false),
            ("application/x-www-form-urlencoded", false),
            ("text/plain; x=application/json", false),
            ("", false),
        ] {
            let value = HeaderValue::from_static(media);
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
            assert_eq!(is_json(&headers), expected, "{media}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
