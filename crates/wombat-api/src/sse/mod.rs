//! Server-sent events: of one build, with its log, and of all builds.
//!
//! The session of one build is a task that follows the record and the log, and sends events to its client through a short
//! queue. Clients that follow all builds share one feed. A slow client delays only itself: it skips states of the record, and
//! reads missed lines from the stream.

mod all;
mod build_events;
mod cursor;
mod encoded_event;
mod feed;
mod log_end;
mod session;

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::{HeaderValue, header};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

pub(crate) use all::AllSession;
pub(crate) use cursor::{Cursor, last_event_id};
pub(crate) use feed::Feed;
pub(crate) use log_end::may_go_on;
pub(crate) use session::BuildSession;

/// Events that wait for a slow client.
const QUEUE: usize = 8;
/// A comment is sent after this long without an event, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client should wait before it reconnects.
const RECONNECT: Duration = Duration::from_secs(2);

/// The client has gone.
#[derive(Debug)]
pub(crate) struct ClientGone;

/// The sending side of a client's stream.
#[derive(Clone, Debug)]
pub(crate) struct Client(mpsc::Sender<Event>);

impl Client {
    async fn send(&self, event: Event) -> Result<(), ClientGone> {
        self.0.send(event).await.map_err(|_| ClientGone)
    }

    async fn gone(&self) {
        self.0.closed().await;
    }
}

/// A stream of events, and its response. The stream ends when every [`Client`] is dropped, or with `stop`.
pub(crate) fn channel(stop: CancellationToken) -> (Client, Response) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let first = Event::default().retry(RECONNECT);
    let events = stream::once(async { first })
        .chain(ReceiverStream::new(receiver))
        .map(Ok::<_, Infallible>)
        .take_until(stop.cancelled_owned());
    let keep_alive = KeepAlive::new().interval(HEARTBEAT).text("alive");
    let response = Sse::new(events).keep_alive(keep_alive).into_response();
    (Client(sender), unbuffered(response))
}

/// A response of encoded events. It ends with `stop`.
pub(crate) fn response(
    events: impl Stream<Item = Bytes> + Send + 'static,
    stop: CancellationToken,
) -> Response {
    let events = events
        .map(Ok::<_, Infallible>)
        .take_until(stop.cancelled_owned());
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    unbuffered((headers, Body::from_stream(events)).into_response())
}

/// Tells proxies not to buffer the response.
fn unbuffered(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What a stream begins with: how long a client should wait before it reconnects.
fn opening() -> &'static [u8] {
    const _: () = assert!(RECONNECT.as_millis() == 2000);
    b"retry: 2000\n\n"
}
