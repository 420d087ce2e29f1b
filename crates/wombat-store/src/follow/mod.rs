//! Follows a stream from a point on until the follower is dropped: through reconnects, lost consumers, a restarted
//! server, and a stream that was deleted and created again. Each message is delivered once, in order.
//!
//! The client's ordered consumer handles most of it. It doesn't notice that a stream was replaced (it would wait for
//! the old sequence for ever) and may start over after a reconnect; both are handled here.

mod event;
mod task;

use async_nats::jetstream::stream::Stream;
use tokio::sync::mpsc;

use crate::Connection;
pub(crate) use event::{FollowEvent, Start, Tail};
use task::FollowTask;
pub(crate) use task::last;

/// Messages that wait for a slow reader before flow control pauses the server.
const CAPACITY: usize = 1024;
/// The same where each is large.
const CAPACITY_FOR_LARGE: usize = 4;

/// A running follower. When it is dropped, its task removes its consumer and ends.
#[derive(Debug)]
pub(crate) struct Follower {
    receiver: mpsc::Receiver<FollowEvent>,
}

impl Follower {
    pub(crate) fn start(
        connection: &Connection,
        stream: &Stream,
        filter: String,
        start: Start,
    ) -> Self {
        Self::with_capacity(CAPACITY, connection, stream, filter, start)
    }

    /// The same for large messages, only a few of which are buffered.
    pub(crate) fn of_large(
        connection: &Connection,
        stream: &Stream,
        filter: String,
        start: Start,
    ) -> Self {
        Self::with_capacity(CAPACITY_FOR_LARGE, connection, stream, filter, start)
    }

    fn with_capacity(
        capacity: usize,
        connection: &Connection,
        stream: &Stream,
        filter: String,
        start: Start,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(capacity);
        let task = FollowTask::new(connection, stream, filter, start, sender);
        connection.spawn(task.run());
        Self { receiver }
    }

    pub(crate) async fn next(&mut self) -> Option<FollowEvent> {
        self.receiver.recv().await
    }
}
