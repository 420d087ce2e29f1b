//! Streams of events.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;
use wombat_model::BuildKey;

use super::key;
use crate::{
    ApiError,
    live::Record,
    sse::{AllSession, BuildSession, Cursor, LOG_GRACE, channel, last_event_id, response},
    state::AppState,
};

/// How long a stream of all builds may wait for the records at the start of the process.
const READY_LIMIT: Duration = Duration::from_millis(1500);

/// `GET /api/builds/{id}/events`
pub(super) async fn of_build(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = key(&id)?;
    let record = state.record(&key).await?;
    let logs = state.gateway.read(state.store.logs.state()).await?;
    let resumed = last_event_id(&headers);
    let comes_back = resumed.is_some();
    let cursor = resumed
        .and_then(Result::ok)
        .filter(|cursor| cursor.fits(&logs) && cursor.revision <= record.revision);
    if let Some(cursor) = cursor
        && is_past_end(&state, &key, &record, cursor).await?
    {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let void = comes_back && cursor.is_none();
    let cursor = cursor.unwrap_or_else(|| Cursor::beginning(&logs));
    let (client, response) = channel(state.stop.clone());
    let session = BuildSession::new(state, client, record, cursor);
    tokio::spawn(session.run(void));
    Ok(response)
}

/// Whether nothing comes after this position any more.
async fn is_past_end(
    state: &AppState,
    key: &BuildKey,
    record: &Record,
    cursor: Cursor,
) -> Result<bool, ApiError> {
    if !record.is_terminal() || cursor.revision < record.revision {
        return Ok(false);
    }
    // Looked at first: an end that is there now is seen by the reading below.
    let complete = record.build.holder().is_none()
        || record
            .log_deadline(LOG_GRACE)
            .is_some_and(|deadline| deadline <= std::time::Instant::now())
        || state.logs.complete_claim(record).await.is_some();
    let reading = state.store.logs.read(key, cursor.log_position(), 1);
    let (entries, _) = state.gateway.read(reading).await?;
    Ok(complete && entries.is_empty())
}

/// `GET /api/events`
pub(super) async fn of_all(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // Also tells at once that NATS is away.
    let (_, last) = state.gateway.read(state.store.builds.identity()).await?;
    let unread = || ApiError::unavailable("The records of builds aren't read yet; try again.");
    let now = timeout(READY_LIMIT, state.feed.cursor()).await;
    let epoch = now.map_err(|_| unread())?.epoch;
    let resumed = last_event_id(&headers);
    let comes_back = resumed.is_some();
    let cursor = resumed
        .and_then(Result::ok)
        .filter(|cursor| cursor.epoch == epoch && cursor.revision <= last.get())
        .filter(|cursor| state.records.has_all_after(cursor.revision));
    let void = comes_back && cursor.is_none();
    let (feed, records) = (Arc::clone(&state.feed), Arc::clone(&state.records));
    let session = AllSession::new(feed, records, cursor, void).await;
    Ok(response(session.into_stream(), state.stop.clone()))
}
