//! Which requests are taken at all: of one client that a proxy forwards, as many at a time as it could have connections
//! without the proxy; on connections above the limit, health checks and those of operators alone. Health checks are always
//! taken.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};

use crate::{
    ApiError,
    caller::Caller,
    connections::{MOST_OF_ONE, Service},
    places::busy,
    state::AppState,
    until_sent::keep_until_sent,
};

/// The calls that tell whether the gateway works.
const HEALTH: [&str; 3] = ["/healthz", "/readyz", "/api/health"];

/// Refuses a request for which there is no room, or passes it on.
pub(crate) async fn admit(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    if HEALTH.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let service = request.extensions().get().copied();
    if service == Some(Service::Reserved) && !state.control.is_operator(request.headers()).await {
        return closing(busy(format!(
            "All {} connections of this gateway are used: try again later. The operator can raise the limit with --connections.",
            state.capacity.connections
        )));
    }
    let Some(client) = caller.forwarded else {
        return next.run(request).await;
    };
    match state.forwarded.admit(client) {
        Some(counted) => keep_until_sent(next.run(request).await, counted),
        None if state.control.is_operator(request.headers()).await => next.run(request).await,
        None => busy(format!(
            "Your address has {MOST_OF_ONE} requests here already, which is the most of one client: try again when one has ended."
        ))
        .into_response(),
    }
}

/// The connection is closed after this answer.
fn closing(error: ApiError) -> Response {
    let mut response = error.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
