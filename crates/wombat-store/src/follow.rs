//! Follows a stream from a point on, for as long as it is wanted: through reconnects, lost consumers, a restarted
//! server, and a stream that was deleted and made anew. Each message is delivered once, in order.
//!
//! The client's ordered consumer mends most of it. What it doesn't know is that a stream was replaced (it would
//! wait for the old sequence for ever) and that it may start over after a reconnect; both are handled here.

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{
        consumer::{Consumer, DeliverPolicy, push},
        stream::Stream,
    },
};
use bytes::Bytes;
use futures::StreamExt;
use time::OffsetDateTime;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, interval_at},
};
use tracing::{debug, warn};

use crate::{Connection, Revision, StoreError, info::StreamInfo, open};

/// How often the leader is asked whether there is more, while a consumer has nothing more to deliver.
const LEADER_INTERVAL: Duration = Duration::from_millis(250);
/// How often the stream is looked at, to see that it is still the same one.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Waits between attempts to open a consumer.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LAST_BACKOFF: Duration = Duration::from_secs(15);
/// Messages that wait for a slow reader before flow control holds the server back.
const CAPACITY: usize = 1024;
/// The same where each is large.
const CAPACITY_FOR_LARGE: usize = 4;

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// The newest message of each subject.
    LastPerSubject,
    /// The first message after this one.
    After(Revision),
    /// The records of open builds, and from a point on, everything.
    Open(Tail),
}

/// From where on a watch of open builds tells everything.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tail {
    /// So many sequences before now.
    Recent(u64),
    /// The first message after this one.
    After(Revision),
}

/// What a follower delivers.
#[derive(Debug)]
pub(crate) enum Followed {
    /// Of [`Start::Open`]: no message after this one is left out.
    CompleteAfter(Revision),
    /// A message.
    Message(StreamedMessage),
    /// Everything that the leader had when it was asked has been delivered: what a replica that lags behind has to
    /// deliver is never taken for all there is.
    CaughtUp,
    /// It is another stream now: everything seen before is void, and its content follows.
    Reset,
}

/// A message of the stream.
#[derive(Debug)]
pub(crate) struct StreamedMessage {
    pub(crate) subject: String,
    pub(crate) sequence: Revision,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    pub(crate) time: OffsetDateTime,
}

/// A running follower. When it is dropped, its task removes its consumer and ends.
#[derive(Debug)]
pub(crate) struct Follower {
    receiver: mpsc::Receiver<Followed>,
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

    /// The same for large messages, few of which are held at a time.
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
        let state = State {
            connection: connection.clone(),
            stream: stream.clone(),
            filter,
            start,
            seen: match start {
                Start::LastPerSubject | Start::Open(_) => 0,
                Start::After(revision) => revision.get(),
            },
            listed: false,
            caught_up: false,
            created: None,
            sender,
        };
        connection.spawn(state.run());
        Self { receiver }
    }

    pub(crate) async fn next(&mut self) -> Option<Followed> {
        self.receiver.recv().await
    }
}

struct State {
    connection: Connection,
    stream: Stream,
    filter: String,
    start: Start,
    /// Last sequence delivered, or that the start excludes.
    seen: u64,
    /// Whether open builds have been told.
    listed: bool,
    caught_up: bool,
    /// When the followed stream was made; `None` before the first look at it. What the handle remembers may be older
    /// than the position to start after.
    created: Option<OffsetDateTime>,
    sender: mpsc::Sender<Followed>,
}

/// Why one consumer was given up.
enum Ended {
    /// Nobody listens any more.
    Unwanted,
    /// Open another.
    Reopen,
}

impl State {
    async fn run(mut self) {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let opened = Instant::now();
            match self.follow().await {
                Ok(Ended::Unwanted) => return,
                Ok(Ended::Reopen) => {}
                Err(error) => debug!(%error, filter = self.filter, "can't follow; trying again"),
            }
            if opened.elapsed() > LAST_BACKOFF {
                backoff = FIRST_BACKOFF;
            }
            tokio::select! {
                () = tokio::time::sleep(backoff) => {}
                () = self.sender.closed() => return,
            }
            backoff = (backoff * 2).min(LAST_BACKOFF);
        }
    }

    async fn follow(&mut self) -> Result<Ended, StoreError> {
        if self.check_stream().await? && self.sender.send(Followed::Reset).await.is_err() {
            return Ok(Ended::Unwanted);
        }
        if let Start::Open(tail) = self.start
            && !self.listed
            && !self.list(tail).await?
        {
            return Ok(Ended::Unwanted);
        }
        let consumer = self
            .stream
            .create_consumer(self.consumer_config())
            .await
            .map_err(|error| StoreError::of(&error))?;
        let name = consumer.cached_info().name.clone();
        let ended = self.deliver(consumer).await;
        // Left alone it would count against the stream's limit for another half a minute.
        if matches!(ended, Ok(Ended::Unwanted))
            && let Err(error) = self.stream.delete_consumer(&name).await
        {
            debug!(%error, name, "a consumer stays until the server misses it");
        }
        ended
    }

    /// Tells open builds as they are. Whether somebody still listens.
    async fn list(&mut self, tail: Tail) -> Result<bool, StoreError> {
        let listing = open::list(&self.stream).await?;
        // What is newer comes with the messages after it.
        let after = match tail {
            Tail::Recent(recent) => Revision::new(listing.at.get().saturating_sub(recent)),
            Tail::After(revision) => revision.min(listing.at),
        };
        let records = open::records(&self.stream, listing.keys, after).await?;
        let messages = records.into_iter().map(Followed::Message);
        for message in [Followed::CompleteAfter(after)].into_iter().chain(messages) {
            if self.sender.send(message).await.is_err() {
                return Ok(false);
            }
        }
        self.seen = after.get();
        self.listed = true;
        Ok(true)
    }

    async fn deliver(
        &mut self,
        consumer: Consumer<push::OrderedConfig>,
    ) -> Result<Ended, StoreError> {
        let waiting = consumer.cached_info().num_pending;
        let mut messages = consumer
            .messages()
            .await
            .map_err(|error| StoreError::of(&error))?;
        let mut is_idle = waiting == 0;
        // What the leader had when it was asked: its last message that fits.
        let mut leaders_last = None;
        let mut ask_leader = interval(LEADER_INTERVAL);
        ask_leader.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut check = interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut health = self.connection.health();
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    None => return Ok(Ended::Reopen),
                    Some(Err(error)) => {
                        // A stream that has ended must not be polled again; another goes on after what was seen.
                        debug!(%error, filter = self.filter, "a followed stream stumbled; it goes on");
                        return Ok(Ended::Reopen);
                    }
                    Some(Ok(message)) => {
                        let Ok(info) = message.info() else { continue };
                        let (sequence, pending, time) = (info.stream_sequence, info.pending, info.published);
                        if sequence > self.seen {
                            self.seen = sequence;
                            let message = StreamedMessage {
                                subject: message.subject.to_string(),
                                sequence: Revision::new(sequence),
                                headers: message.headers.clone().unwrap_or_default(),
                                payload: message.payload.clone(),
                                time,
                            };
                            if self.sender.send(Followed::Message(message)).await.is_err() {
                                return Ok(Ended::Unwanted);
                            }
                        }
                        is_idle = pending == 0;
                        let has_all = leaders_last.is_some_and(|last| last <= self.seen);
                        if has_all && !self.caught_up && !self.say_caught_up().await {
                            return Ok(Ended::Unwanted);
                        }
                    }
                },
                _ = ask_leader.tick(), if is_idle && !self.caught_up => {
                    leaders_last = self.leaders_last().await;
                    let has_all = leaders_last.is_some_and(|last| last <= self.seen);
                    if has_all && !self.say_caught_up().await {
                        return Ok(Ended::Unwanted);
                    }
                }
                _ = check.tick() => if self.is_replaced().await { return Ok(Ended::Reopen) },
                changed = health.changed() => {
                    let back = changed.is_ok() && health.borrow_and_update().connected_since.is_some();
                    if back && self.is_replaced().await {
                        return Ok(Ended::Reopen);
                    }
                },
                () = self.sender.closed() => return Ok(Ended::Unwanted),
            }
        }
    }

    fn consumer_config(&self) -> push::OrderedConfig {
        let deliver_policy = match self.start {
            Start::LastPerSubject if self.seen == 0 => DeliverPolicy::LastPerSubject,
            Start::LastPerSubject | Start::After(_) | Start::Open(_) => {
                DeliverPolicy::ByStartSequence {
                    start_sequence: self.seen + 1,
                }
            }
        };
        push::OrderedConfig {
            // A named consumer has its filter in the subject that creates it, where permissions can see it.
            name: Some(format!("wombat-{}", uuid::Uuid::new_v4().simple())),
            deliver_subject: self.connection.client().new_inbox(),
            filter_subject: self.filter.clone(),
            deliver_policy,
            ..push::OrderedConfig::default()
        }
    }

    /// The last message that fits, as the leader has it. What it can't say now it is asked again.
    async fn leaders_last(&self) -> Option<u64> {
        match last(&self.stream, &self.filter).await {
            Ok(last) => Some(last.get()),
            Err(error) => {
                debug!(%error, filter = self.filter, "the leader doesn't say what there is");
                None
            }
        }
    }

    /// Says that the initial content is complete. Whether anything still listens.
    async fn say_caught_up(&mut self) -> bool {
        self.caught_up = true;
        self.sender.send(Followed::CaughtUp).await.is_ok()
    }

    /// Whether the stream under this name isn't the one that was followed, or lost its end.
    async fn is_replaced(&self) -> bool {
        match self.info().await {
            Ok(info) => self.is_another(&info),
            // Not reachable now: the consumer mends itself, and the next look decides.
            Err(_) => false,
        }
    }

    /// Starts over if the stream was replaced; whether it was.
    async fn check_stream(&mut self) -> Result<bool, StoreError> {
        let info = self.info().await?;
        let replaced = self.is_another(&info);
        if replaced {
            warn!(
                filter = self.filter,
                "a followed stream was replaced or went back in time; starting over"
            );
            self.seen = 0;
            self.listed = false;
            self.caught_up = false;
            // Of a new stream everything is wanted, or the newest of each subject, as of the old one.
            self.start = match self.start {
                Start::LastPerSubject | Start::Open(Tail::Recent(_)) => self.start,
                Start::Open(Tail::After(_)) => Start::Open(Tail::Recent(0)),
                Start::After(_) => Start::After(Revision::ZERO),
            };
        }
        self.created = Some(info.created);
        Ok(replaced)
    }

    async fn info(&self) -> Result<StreamInfo, StoreError> {
        let name = &self.stream.cached_info().config.name;
        self.connection.stream_info(name).await
    }

    fn is_another(&self, info: &StreamInfo) -> bool {
        self.created.is_some_and(|created| created != info.created)
            || info.state.last_sequence < self.seen
    }
}

/// The last message that fits the filter, as the leader has it.
pub(crate) async fn last(stream: &Stream, filter: &str) -> Result<Revision, StoreError> {
    let last = open::last(stream, filter).await?;
    Ok(last.map_or(Revision::ZERO, |message| Revision::new(message.sequence)))
}
