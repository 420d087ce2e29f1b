//! The outermost layer: an id for every request, headers for every response, a problem document for every error.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State as Shared},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tracing::{Instrument, debug, error, info_span, warn};

use crate::{
    ApiError, caller::Caller, cross_origin::OtherSites, error::render, html::is_own_page,
    state::AppState,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// For the website: only its own files, and nothing inline.
const PAGE_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// For everything else: if a browser shows it as a page, nothing in it runs or loads.
const DATA_POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

/// Headers of every response.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Runs the rest, logs it, and completes the response.
pub(crate) async fn finish(
    Shared(state): Shared<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let span = info_span!("request", %id, %method, path = request.uri().path());
    let start = Instant::now();
    let other_sites = OtherSites::of(&state.control, &request);
    let response = async {
        let response = match other_sites.preflight(&request) {
            Some(response) => response,
            // A panic fails its own request only; nothing that the request held is used again.
            None => AssertUnwindSafe(next.run(request))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| {
                    error!("a handler panicked");
                    StatusCode::INTERNAL_SERVER_ERROR.into_response()
                }),
        };
        let status = response.status().as_u16();
        let milliseconds = start.elapsed().as_millis();
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            warn!(status, milliseconds, "answered");
        } else {
            debug!(status, milliseconds, "answered");
        }
        response
    }
    .instrument(span)
    .await;
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let mut response = if failed && !is_own_page(&response) {
        render(response, &id)
    } else {
        response
    };
    describe(response.headers_mut(), &id);
    other_sites.describe(response.headers_mut(), &method);
    // HSTS only if the public URL is https.
    let public = state.proxy_settings.public_url.as_ref();
    if public.is_some_and(|url| url.as_str().starts_with("https:")) {
        let year = HeaderValue::from_static("max-age=31536000");
        response
            .headers_mut()
            .insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if method == Method::HEAD {
        let length = response.body().size_hint().exact();
        if let Some(length) = length.filter(|length| *length > 0) {
            let headers = response.headers_mut();
            headers
                .entry(header::CONTENT_LENGTH)
                .or_insert(HeaderValue::from(length));
        }
        *response.body_mut() = Body::empty();
    }
    response
}

fn describe(headers: &mut HeaderMap, id: &str) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let is_page = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let policy = if is_page { PAGE_POLICY } else { DATA_POLICY };
    // A page that the gateway writes itself has a stricter one.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(policy));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// The id that a proxy gave the request, or else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
        .map_or_else(|| uuid::Uuid::new_v4().simple().to_string(), str::to_owned)
}

/// Refuses writes that another website makes a browser send.
pub(crate) async fn own_writes_only(
    Shared(state): Shared<AppState>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !request.method().is_safe() {
        state.control.check_origin(request.headers(), &caller)?;
    }
    Ok(next.run(request).await)
}
