//! What the response of a file looks like.

use std::ops::Range;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;
use tracing::warn;
use wombat_model::{Artifact, BuildKey, Goos, Refusal};

use crate::{ApiError, cache::CachedFile};

/// Bytes that are read from disk at once.
const BUFFER: usize = 64 * 1024;
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Sends a file, or a part of it.
pub(super) async fn send(
    key: &BuildKey,
    artifact: &Artifact,
    cached: CachedFile,
    part: Option<Range<u64>>,
) -> Result<Response, ApiError> {
    let failed = |error: std::io::Error| {
        warn!(%error, "a cached file can't be read");
        ApiError::from(Refusal::internal())
    };
    let mut file = tokio::fs::File::open(cached.path()).await.map_err(failed)?;
    let range = part.clone().unwrap_or(0..artifact.size);
    file.seek(SeekFrom::Start(range.start))
        .await
        .map_err(failed)?;
    let length = range.end - range.start;
    let chunks = ReaderStream::with_capacity(file.take(length), BUFFER).map(move |chunk| {
        // It stays on disk until its last byte is out.
        let _held = &cached;
        chunk
    });
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    describe_file(headers, key, artifact);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if part.is_some() {
        let last = range.end - 1;
        let content_range = format!("bytes {}-{last}/{}", range.start, artifact.size);
        insert(headers, header::CONTENT_RANGE, &content_range);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Headers of a file, whole or not.
pub(super) fn describe_file(headers: &mut HeaderMap, key: &BuildKey, artifact: &Artifact) {
    let digest = BASE64_STANDARD.encode(artifact.sha256.to_bytes());
    insert(headers, REPR_DIGEST, &format!("sha-256=:{digest}:"));
    insert(
        headers,
        header::CONTENT_DISPOSITION,
        &format!("attachment; filename=\"{}\"", file_name(key)),
    );
    insert(headers, header::ETAG, &tag(artifact));
    insert(headers, header::CONTENT_TYPE, "application/octet-stream");
    insert(headers, header::ACCEPT_RANGES, "bytes");
    headers.insert(header::CACHE_CONTROL, FOR_EVER);
}

/// Every value is made of checked parts, so that none can fail to be one.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Its strong tag.
pub(super) fn tag(artifact: &Artifact) -> String {
    format!("\"{}\"", artifact.sha256)
}

/// What it is to be called where it is downloaded to.
pub(super) fn file_name(key: &BuildKey) -> String {
    let (platform, hash) = (key.platform(), key.hash());
    let ending = match platform.goos() {
        Goos::Windows => ".exe",
        Goos::Linux | Goos::Darwin | Goos::Freebsd => "",
    };
    format!(
        "wombat-{}-{}-{}{ending}",
        hash.short(),
        platform.goos(),
        platform.goarch()
    )
}

/// The client has it.
pub(super) fn not_modified(key: &BuildKey, artifact: &Artifact) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    describe_file(response.headers_mut(), key, artifact);
    for name in [header::CONTENT_TYPE, header::CONTENT_DISPOSITION] {
        response.headers_mut().remove(name);
    }
    response
}

/// The client wants bytes that it doesn't have.
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
