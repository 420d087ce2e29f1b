//! Server-sent events: of one build, with its log, and of all builds.
//!
//! A session is a task that follows what it has to and hands events to its client through a short queue. A slow client
//! holds up its own session alone: levels are skipped, missed lines are read from the stream.

mod all;
mod cursor;
mod session;

use std::{convert::Infallible, time::Duration};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures::{StreamExt, stream};
use http::HeaderValue;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

pub(crate) use all::AllSession;
pub(crate) use cursor::{Cursor, last_event_id};
pub(crate) use session::{BuildSession, LOG_GRACE};

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
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    (Client(sender), response)
}
