//! Server-sent events: of one build, with its log, and of all builds.
//!
//! The session of one build is a task that follows what it has to and hands events to its client through a short queue.
//! Those who look at all builds share one feed. A slow client holds up itself alone: levels are skipped, missed lines are
//! read from the stream.

mod all;
mod cursor;
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
/// A comment is sent when nothing else was for this long, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client should wait before it comes back.
const RECONNECT: Duration = Duration::from_secs(2);

/// The client has gone.
#[derive(Debug)]
pub(crate) struct Gone;

/// The way to one client.
#[derive(Clone, Debug)]
pub(crate) struct Client(mpsc::Sender<Event>);

impl Client {
    async fn send(&self, event: Event) -> Result<(), Gone> {
        self.0.send(event).await.map_err(|_| Gone)
    }

    async fn gone(&self) {
        self.0.closed().await;
    }
}

/// A response and the way to whom it goes. The stream ends when every [`Client`] is dropped, or with `stop`.
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

/// A response of events that are written already. It ends with `stop`.
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

/// Tells proxies to hold nothing back.
fn unbuffered(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What a stream begins with: how long to wait before coming back.
fn opening() -> &'static [u8] {
    const _: () = assert!(RECONNECT.as_millis() == 2000);
    b"retry: 2000\n\n"
}

/// An event as it goes over the wire. The data has no line ends.
fn event(name: &str, id: Cursor, data: &str) -> Bytes {
    format!("event: {name}\nid: {id}\ndata: {data}\n\n").into()
}
