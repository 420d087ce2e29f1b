//! Bodies of requests, with limits for their size and the time that they take to arrive.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wombat_model::names::MAX_BODY;

use crate::ApiError;

/// How long a body may take to arrive.
pub(crate) const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);

/// A body of at most 64 KiB, whatever its media type.
#[derive(Debug)]
pub(crate) struct SmallBody(pub(crate) Bytes);

impl<S> FromRequest<S> for SmallBody
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        read(request, MAX_BODY).await.map(Self)
    }
}

/// A text of at most 64 KiB: as it is, or in a JSON document, where it is longer.
pub(crate) enum TextBody {
    Plain(Bytes),
    Json(Bytes),
}

/// Largest document with a text, in bytes: each of its characters may be escaped.
pub(crate) const MAX_TEXT: usize = 6 * MAX_BODY;

impl<S> FromRequest<S> for TextBody
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        if is_json(request.headers()) {
            return read(request, MAX_TEXT).await.map(Self::Json);
        }
        read(request, MAX_BODY).await.map(Self::Plain)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE);
    let media = media.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

async fn read(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::Bare(StatusCode::PAYLOAD_TOO_LARGE);
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), limit);
    match tokio::time::timeout(ARRIVAL_LIMIT, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
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
