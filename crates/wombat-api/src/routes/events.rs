//! Streams of events.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;
use wombat_model::{BuildKey, log::LogEvent};

use super::build_id::key;
use crate::{
    ApiError,
    caller::Caller,
    live::Record,
    places::LongCall,
    sse::{AllSession, BuildSession, Cursor, channel, last_event_id, may_go_on, response},
    state::AppState,
    until_sent::keep_until_sent,
};

/// How long a stream of all builds may wait for the records when the process has just started.
const READY_LIMIT: Duration = Duration::from_millis(1500);

/// `GET /api/builds/{id}/events`
pub(super) async fn of_build(
    State(state): State<AppState>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = key(&id)?;
    let place = state.place(LongCall::Stream, &caller, &headers).await?;
    let record = state.builds.record(&key).await?;
    let logs = state.gateway.read(state.store.logs.state()).await?;
    let last_event = last_event_id(&headers);
    let resumes = last_event.is_some();
    let cursor = last_event
        .and_then(Result::ok)
        .filter(|cursor| cursor.fits(&logs) && cursor.revision <= record.revision);
    if let Some(cursor) = cursor
        && is_past_end(&state, &key, &record, cursor).await?
    {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let void = resumes && cursor.is_none();
    let cursor = cursor.unwrap_or_else(|| Cursor::beginning(&logs));
    let (client, response) = channel(state.stop.clone());
    let (builds, logs) = (state.builds.clone(), Arc::clone(&state.logs));
    let session = BuildSession::new(builds, logs, client, record, cursor);
    state.followers.spawn(session.run(void));
    Ok(keep_until_sent(response, place))
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
    // Checked first: the read below sees every entry that comes later.
    if may_go_on(record) && !has_last_line(state, key, record).await? {
        return Ok(false);
    }
    // The leader says whether there is more.
    let reading = state.store.logs.read(key, cursor.log_position(), 1);
    let (entries, is_all) = state.gateway.read(reading).await?;
    Ok(is_all && entries.is_empty())
}

/// Whether the leader has the last line of the build's last claim.
async fn has_last_line(
    state: &AppState,
    key: &BuildKey,
    record: &Record,
) -> Result<bool, ApiError> {
    let Some(holder) = record.build.holder() else {
        return Ok(true);
    };
    let reading = state.store.logs.last(key, &holder.claim);
    let last = state.gateway.read(reading).await?;
    Ok(last.is_some_and(|entry| matches!(entry.event, LogEvent::End { .. })))
}

/// `GET /api/events`
pub(super) async fn of_all(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let place = state.place(LongCall::Stream, &caller, &headers).await?;
    // Also fails at once if NATS is unavailable.
    let (_, last) = state.gateway.read(state.store.builds.identity()).await?;
    let unread =
        || ApiError::unavailable("The gateway hasn't read the records of builds yet; try again.");
    let now = timeout(READY_LIMIT, state.feed.cursor()).await;
    let epoch = now.map_err(|_| unread())?.epoch;
    let last_event = last_event_id(&headers);
    let resumes = last_event.is_some();
    let cursor = last_event
        .and_then(Result::ok)
        .filter(|cursor| cursor.epoch == epoch && cursor.revision <= last.get())
        .filter(|cursor| state.records.has_all_after(cursor.revision));
    let void = resumes && cursor.is_none();
    let (feed, records) = (Arc::clone(&state.feed), Arc::clone(&state.records));
    let session = AllSession::new(feed, records, cursor, void).await;
    let response = response(session.into_stream(), state.stop.clone());
    Ok(keep_until_sent(response, place))
}
