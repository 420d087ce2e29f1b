//! Responses with a file: headers, and bytes.

use std::{io, ops::Range};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tracing::warn;
use wombat_model::{Artifact, Build, BuildKey, Refusal};

use crate::{ApiError, cache::Source};

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// A rebuild may give other bytes, so a cache compares the tag.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("public, no-cache");

/// Sends a file, or a part of it.
pub(super) async fn send(
    build: &Build,
    artifact: &Artifact,
    source: Source,
    part: Option<Range<u64>>,
) -> Result<Response, ApiError> {
    let range = part.clone().unwrap_or(0..artifact.size);
    let length = range.end - range.start;
    // The status is sent before the bytes are verified: if they are wrong, the transfer breaks.
    let body = match source {
        Source::File(file) => {
            let bytes = file.bytes(range.clone()).await.map_err(|error| {
                warn!(%error, "a cached file can't be read");
                ApiError::from(Refusal::internal())
            })?;
            Body::from_stream(logged(build.key(), bytes))
        }
        Source::Direct(read) => Body::from_stream(logged(build.key(), read.bytes(range.clone()))),
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    describe_file(headers, build, artifact);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if part.is_some() {
        let last = range.end - 1;
        let content_range = format!("bytes {}-{last}/{}", range.start, artifact.size);
        insert(headers, header::CONTENT_RANGE, &content_range);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

fn logged(
    key: BuildKey,
    bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    bytes.inspect_err(move |error| warn!(%key, %error, "a download broke"))
}

/// Headers of a file, whole or not.
pub(super) fn describe_file(headers: &mut HeaderMap, build: &Build, artifact: &Artifact) {
    let digest = BASE64_STANDARD.encode(artifact.sha256.to_bytes());
    insert(headers, REPR_DIGEST, &format!("sha-256=:{digest}:"));
    insert(
        headers,
        header::CONTENT_DISPOSITION,
        &format!("attachment; filename=\"{}\"", file_name(build)),
    );
    insert(headers, header::ETAG, &tag(artifact));
    insert(headers, header::CONTENT_TYPE, "application/octet-stream");
    insert(headers, header::ACCEPT_RANGES, "bytes");
    headers.insert(header::CACHE_CONTROL, ASK_FIRST);
}

/// Inserts a header. Every value is made of checked parts, so that none is invalid.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The strong entity tag of an artifact.
pub(super) fn tag(artifact: &Artifact) -> String {
    format!("\"{}\"", artifact.sha256)
}

/// The name under which a client stores the binary.
pub(super) fn file_name(build: &Build) -> String {
    build.spec().distribution().download_name(&build.key())
}

/// The client has the file already.
pub(super) fn not_modified(build: &Build, artifact: &Artifact) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    describe_file(response.headers_mut(), build, artifact);
    for name in [header::CONTENT_TYPE, header::CONTENT_DISPOSITION] {
        response.headers_mut().remove(name);
    }
    response
}

/// The file doesn't have the requested range.
pub(super) fn unsatisfiable(artifact: &Artifact) -> Response {
    let mut response = ApiError::RangeNotSatisfiable.into_response();
    let content_range = format!("bytes */{}", artifact.size);
    insert(
        response.headers_mut(),
        header::CONTENT_RANGE,
        &content_range,
    );
    response
}
