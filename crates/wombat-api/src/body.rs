//! Bodies of requests, with limits for their size and the time that they take to arrive.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{StatusCode, header};
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
        let too_large = || ApiError::Bare(StatusCode::PAYLOAD_TOO_LARGE);
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > MAX_BODY as u64) {
            return Err(too_large());
        }
        let body = Limited::new(request.into_body(), MAX_BODY);
        match tokio::time::timeout(ARRIVAL_LIMIT, body.collect()).await {
            Ok(Ok(body)) => Ok(Self(body.to_bytes())),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(ApiError::Bare(StatusCode::BAD_REQUEST)),
            Err(_) => Err(ApiError::Slow),
        }
    }
}
