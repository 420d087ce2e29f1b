//! The task behind a follower: opens consumers, and checks that the stream is still the same one.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{Consumer, DeliverPolicy, push},
    stream::Stream,
};
use futures::StreamExt;
use time::OffsetDateTime;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, interval_at},
};
use tracing::{debug, warn};

use super::event::{FollowEvent, Start, Tail};
use crate::{Connection, Revision, StoreError, info::StreamInfo, message::StreamedMessage, open};

/// Interval of requests to the leader for its last message, while a consumer has nothing to deliver.
const LEADER_INTERVAL: Duration = Duration::from_millis(250);
/// Interval of checks that the stream is still the same one.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Waits between attempts to open a consumer.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LAST_BACKOFF: Duration = Duration::from_secs(15);
/// See the module.
pub(super) struct FollowTask {
    connection: Connection,
    stream: Stream,
    filter: String,
    start: Start,
    /// The last sequence that was delivered, or that the start excludes.
    seen: u64,
    /// Whether open builds have been delivered.
    listed: bool,
    caught_up: bool,
    /// When the followed stream was created; `None` before the first check. The time in the handle may be older than
    /// the position to start after.
    created: Option<OffsetDateTime>,
    sender: mpsc::Sender<FollowEvent>,
}

/// Why a consumer ended.
enum ConsumerEnd {
    /// The follower was dropped.
    Unwanted,
    /// Another one is to be opened.
    Reopen,
}

impl FollowTask {
    pub(super) fn new(
        connection: &Connection,
        stream: &Stream,
        filter: String,
        start: Start,
        sender: mpsc::Sender<FollowEvent>,
    ) -> Self {
        Self {
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
        }
    }

    pub(super) async fn run(mut self) {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let opened = Instant::now();
            match self.follow().await {
                Ok(ConsumerEnd::Unwanted) => return,
                Ok(ConsumerEnd::Reopen) => {}
                Err(error) => debug!(%error, filter = self.filter, "can't follow; retrying"),
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

    async fn follow(&mut self) -> Result<ConsumerEnd, StoreError> {
        if self.check_stream().await? && self.sender.send(FollowEvent::Reset).await.is_err() {
            return Ok(ConsumerEnd::Unwanted);
        }
        if let Start::Open(tail) = self.start
            && !self.listed
            && !self.list(tail).await?
        {
            return Ok(ConsumerEnd::Unwanted);
        }
        let consumer = self
            .stream
            .create_consumer(self.consumer_config())
            .await
            .map_err(|error| StoreError::of(&error))?;
        let name = consumer.cached_info().name.clone();
        let ended = self.deliver(consumer).await;
        // Otherwise it would count against the stream's limit for another half a minute.
        if matches!(ended, Ok(ConsumerEnd::Unwanted))
            && let Err(error) = self.stream.delete_consumer(&name).await
        {
            debug!(%error, name, "a consumer isn't deleted; the server will expire it");
        }
        ended
    }

    /// Delivers open builds as they are. Returns whether the follower still exists.
    async fn list(&mut self, tail: Tail) -> Result<bool, StoreError> {
        let listing = open::list(&self.stream).await?;
        // Newer records come with the messages after it.
        let after = match tail {
            Tail::Recent(recent) => Revision::new(listing.at.get().saturating_sub(recent)),
            Tail::After(revision) => revision.min(listing.at),
        };
        let records = open::records(&self.stream, listing.keys, after).await?;
        let messages = records.into_iter().map(FollowEvent::Message);
        for message in [FollowEvent::CompleteAfter(after)]
            .into_iter()
            .chain(messages)
        {
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
    ) -> Result<ConsumerEnd, StoreError> {
        let waiting = consumer.cached_info().num_pending;
        let mut messages = consumer
            .messages()
            .await
            .map_err(|error| StoreError::of(&error))?;
        let mut is_idle = waiting == 0;
        // The leader's last message that matches the filter, when it was last requested.
        let mut leaders_last = None;
        let mut ask_leader = interval(LEADER_INTERVAL);
        ask_leader.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut check = interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut health = self.connection.health();
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    None => return Ok(ConsumerEnd::Reopen),
                    Some(Err(error)) => {
                        // A stream that has ended must not be polled again; another consumer continues after `seen`.
                        debug!(%error, filter = self.filter, "a consumer failed; opening another");
                        return Ok(ConsumerEnd::Reopen);
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
                                received: Instant::now(),
                            };
                            if self.sender.send(FollowEvent::Message(message)).await.is_err() {
                                return Ok(ConsumerEnd::Unwanted);
                            }
                        }
                        is_idle = pending == 0;
                        let has_all = leaders_last.is_some_and(|last| last <= self.seen);
                        if has_all && !self.caught_up && !self.say_caught_up().await {
                            return Ok(ConsumerEnd::Unwanted);
                        }
                    }
                },
                _ = ask_leader.tick(), if is_idle && !self.caught_up => {
                    leaders_last = self.leaders_last().await;
                    let has_all = leaders_last.is_some_and(|last| last <= self.seen);
                    if has_all && !self.say_caught_up().await {
                        return Ok(ConsumerEnd::Unwanted);
                    }
                }
                _ = check.tick() => if self.is_replaced().await { return Ok(ConsumerEnd::Reopen) },
                changed = health.changed() => {
                    let back = changed.is_ok() && health.borrow_and_update().connected_since.is_some();
                    if back && self.is_replaced().await {
                        return Ok(ConsumerEnd::Reopen);
                    }
                },
                () = self.sender.closed() => return Ok(ConsumerEnd::Unwanted),
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

    /// The leader's last message that matches the filter; `None`: the request failed and is repeated.
    async fn leaders_last(&self) -> Option<u64> {
        match last(&self.stream, &self.filter).await {
            Ok(last) => Some(last.get()),
            Err(error) => {
                debug!(%error, filter = self.filter, "the leader didn't respond; retrying");
                None
            }
        }
    }

    /// Delivers that the initial content is complete. Returns whether the follower still exists.
    async fn say_caught_up(&mut self) -> bool {
        self.caught_up = true;
        self.sender.send(FollowEvent::CaughtUp).await.is_ok()
    }

    /// Whether the stream of this name isn't the followed one any more, or lost its last messages.
    async fn is_replaced(&self) -> bool {
        match self.info().await {
            Ok(info) => self.is_another(&info),
            // Not reachable now: the consumer recovers by itself, and the next check decides.
            Err(_) => false,
        }
    }

    /// Starts over if the stream was replaced. Returns whether it was.
    async fn check_stream(&mut self) -> Result<bool, StoreError> {
        let info = self.info().await?;
        let replaced = self.is_another(&info);
        if replaced {
            warn!(
                filter = self.filter,
                "a followed stream was replaced or lost its last messages; starting over"
            );
            self.seen = 0;
            self.listed = false;
            self.caught_up = false;
            // A new stream is followed from its beginning.
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

/// The leader's last message that matches the filter.
pub(crate) async fn last(stream: &Stream, filter: &str) -> Result<Revision, StoreError> {
    let last = open::last(stream, filter).await?;
    Ok(last.map_or(Revision::ZERO, |message| Revision::new(message.sequence)))
}
