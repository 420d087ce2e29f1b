//! The session of a client that follows one build: the latest record, and the log line by line.
//!
//! The log is read from the stream until its end, then taken from the lines that this process shares, which were subscribed
//! to before, so that none is missed in between; one that comes twice is known by its sequence. If lines were missed, the
//! log is read from the stream again.
//!
//! No time limit decides that a log is complete. Either the last line that the record names was sent, or the log was read up
//! to what the leader of its stream has, after the record was seen.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, interval_at};
use wombat_model::{BuildKey, Status};

use super::{
    Client, ClientGone, Cursor,
    build_events::BuildEvents,
    log_end::{Step, next_step, until},
};
use crate::{
    build_reader::BuildReader,
    live::{LineFollower, LogHub, LogLine, LogSignal, Record, RecordFollower},
};

/// How often the position of a waiting build in the queue is looked up.
const QUEUE_INTERVAL: Duration = Duration::from_secs(5);

/// Why a session stops following.
enum FollowOutcome {
    /// The build is finished and so is its log.
    Over,
    /// The record was removed.
    Removed,
    /// What was sent is void.
    Void,
}

/// A client that follows one build.
pub(crate) struct BuildSession {
    builds: BuildReader,
    logs: Arc<LogHub>,
    events: BuildEvents,
    key: BuildKey,
    record: Arc<Record>,
    /// When this session saw that record.
    seen: Instant,
    /// The revision of the record since which the whole log was read from the stream.
    read: u64,
    generation: u64,
}

impl BuildSession {
    /// A session that goes on after `cursor`. `record` is the newest that is known.
    pub(crate) fn new(
        builds: BuildReader,
        logs: Arc<LogHub>,
        client: Client,
        record: Arc<Record>,
        cursor: Cursor,
    ) -> Self {
        Self {
            key: record.build.key(),
            builds,
            logs,
            events: BuildEvents::new(client, cursor),
            record,
            seen: Instant::now(),
            read: 0,
            generation: 0,
        }
    }

    /// Sends until the build is over or the client is gone. `void`: what the client saw before is void.
    pub(crate) async fn run(mut self, void: bool) {
        let client = self.events.client();
        tokio::select! {
            () = client.gone() => {}
            // The client is gone; the error has no receiver.
            _ = self.send_all(void) => {}
        }
    }

    async fn send_all(&mut self, mut void: bool) -> Result<(), ClientGone> {
        loop {
            if void {
                self.events.send("reset", "{}").await?;
            }
            match self.follow().await? {
                FollowOutcome::Over => return self.events.send("end", "{}").await,
                FollowOutcome::Removed => return self.send_removed().await,
                FollowOutcome::Void => {
                    void = true;
                    if !self.start_over().await {
                        return self.send_removed().await;
                    }
                }
            }
        }
    }

    async fn send_removed(&self) -> Result<(), ClientGone> {
        self.events.send("removed", "{}").await?;
        self.events.send("end", "{}").await
    }

    async fn follow(&mut self) -> Result<FollowOutcome, ClientGone> {
        let mut follower = self.builds.follow(&self.key);
        let latest = follower.latest();
        self.generation = latest.generation;
        if let Some(record) = latest.record
            && record.revision >= self.record.revision
        {
            self.take(record);
        }
        self.send_record().await?;
        loop {
            let mut lines = self.logs.follow(&self.key);
            if let Some(outcome) = self.catch_up(&mut follower).await? {
                return Ok(outcome);
            }
            if let Some(outcome) = self.go_along(&mut follower, &mut lines).await? {
                return Ok(outcome);
            }
        }
    }

    /// Reads the log from the stream up to its present end.
    async fn catch_up(
        &mut self,
        follower: &mut RecordFollower,
    ) -> Result<Option<FollowOutcome>, ClientGone> {
        // What is stored when the reading begins has been sent when it is done.
        let mut revision = self.record.revision;
        loop {
            let hub = Arc::clone(&self.logs);
            let page = hub.backlog(&self.key, self.events.cursor().log_position());
            let (entries, is_all) = tokio::select! {
                page = page => page,
                () = follower.changed() => {
                    if let Some(outcome) = self.see(follower).await? {
                        return Ok(Some(outcome));
                    }
                    revision = self.record.revision;
                    continue;
                }
            };
            // What was read belongs to the stream that is there now.
            if self.is_void().await {
                return Ok(Some(FollowOutcome::Void));
            }
            for logged in entries {
                self.events.send_line(&LogLine::new(logged)).await?;
            }
            if is_all {
                self.read = revision;
                return Ok(None);
            }
        }
    }

    /// Sends lines and records as they come, until lines were missed or may be missing.
    async fn go_along(
        &mut self,
        follower: &mut RecordFollower,
        lines: &mut LineFollower,
    ) -> Result<Option<FollowOutcome>, ClientGone> {
        let mut look = interval_at(Instant::now() + QUEUE_INTERVAL, QUEUE_INTERVAL);
        loop {
            let is_sent = self.events.has_log_end(&self.record.build);
            let step = match next_step(&self.record, self.seen, is_sent, self.read) {
                Step::End => return Ok(Some(FollowOutcome::Over)),
                Step::Follow => None,
                Step::Read(at) => Some(at),
            };
            let waits = self.record.build.status() == Status::New;
            tokio::select! {
                biased;
                signal = lines.next() => match signal {
                    Some(LogSignal::Line(line)) if self.events.leaves_a_gap(&line) => {
                        // Reads the stream once: if the gap is there too, the line is sent after it.
                        self.events.accept_gap();
                        return Ok(None);
                    }
                    Some(LogSignal::Line(line)) => self.events.send_line(&line).await?,
                    Some(LogSignal::Reset) => if self.is_void().await {
                        return Ok(Some(FollowOutcome::Void));
                    },
                    None => return Ok(None),
                },
                () = follower.changed() => if let Some(outcome) = self.see(follower).await? {
                    return Ok(Some(outcome));
                },
                () = until(step) => return Ok(None),
                _ = look.tick(), if waits => self.show().await?,
            }
        }
    }

    async fn see(
        &mut self,
        follower: &mut RecordFollower,
    ) -> Result<Option<FollowOutcome>, ClientGone> {
        let latest = follower.latest();
        if latest.generation != self.generation {
            return Ok(Some(FollowOutcome::Void));
        }
        match latest.record {
            Some(record) if record.revision > self.record.revision => {
                self.take(record);
                self.send_record().await?;
                Ok(None)
            }
            Some(_) => Ok(None),
            None => Ok(Some(FollowOutcome::Removed)),
        }
    }

    fn take(&mut self, record: Arc<Record>) {
        self.record = record;
        self.seen = Instant::now();
    }

    /// Sends the record if this revision of it wasn't sent.
    async fn send_record(&mut self) -> Result<(), ClientGone> {
        if self.events.begin_revision(self.record.revision) {
            self.show().await
        } else {
            Ok(())
        }
    }

    /// Sends what is known of the build, unless that was sent. The service knows more than the record of a build that isn't
    /// finished, or that may be requested again only later.
    async fn show(&mut self) -> Result<(), ClientGone> {
        let known = if self.record.says_all() {
            None
        } else {
            let view = self.builds.view(&self.key).await.ok();
            view.filter(|view| view.revision == self.record.revision)
        };
        let json = match known.map(|view| serde_json::to_string(&view)) {
            Some(Ok(json)) => json,
            Some(Err(_)) | None if !self.events.has_shown() => self.record.json().to_owned(),
            Some(Err(_)) | None => return Ok(()),
        };
        self.events.show(json).await
    }

    /// Whether the stream isn't the one that was sent from. A follower that was opened before may report a change that
    /// this session came after.
    async fn is_void(&self) -> bool {
        let (state, cursor) = (self.logs.state().await, self.events.cursor());
        state.epoch != cursor.epoch || state.last < cursor.log_position()
    }

    /// Forgets what was sent. Returns whether the build still exists.
    async fn start_over(&mut self) -> bool {
        let cursor = Cursor::beginning(&self.logs.state().await);
        self.events.start_over(cursor);
        self.read = 0;
        let Some(record) = self.builds.until_read(&self.key).await else {
            return false;
        };
        self.take(record);
        true
    }
}
