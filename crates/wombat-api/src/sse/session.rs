//! The events of one build: its record as a level, its log line by line.
//!
//! The log is read from the stream until it is caught up, then from the lines that this process shares out, which
//! were subscribed to before, so that nothing falls in between; what comes twice is known by its sequence. Where
//! lines were missed, it is read from the stream again.
//!
//! No length of time decides that a log is complete. Either the line was sent that the record names as the last one, or
//! the log was read up to what the leader of its stream has, after the record was seen.

use std::{collections::HashSet, sync::Arc, time::Duration};

use axum::response::sse::Event;
use tokio::time::{Instant, interval_at};
use wombat_model::{BuildKey, ClaimId, Status, log::LogEvent};
use wombat_store::StoreError;

use super::{
    Client, Cursor, Gone,
    log_end::{Step, next_step, until},
};
use crate::{
    live::{LevelFollower, LineFollower, LogLine, LogSignal, Record},
    state::AppState,
};

/// How often the place of a waiting build is looked up.
const QUEUE_INTERVAL: Duration = Duration::from_secs(5);

/// Why a session stops following.
enum Turn {
    /// The build is finished and so is its log.
    Over,
    /// The record was removed.
    Removed,
    /// What was sent is void.
    Void,
}

/// A client that looks at a build.
pub(crate) struct BuildSession {
    state: AppState,
    client: Client,
    key: BuildKey,
    record: Arc<Record>,
    /// When this session saw that record.
    seen: Instant,
    cursor: Cursor,
    /// Claims whose last line was sent.
    ended: HashSet<ClaimId>,
    /// The revision of the record since which the whole log was read from the stream.
    read: u64,
    /// The last line that was sent, to notice a hole.
    last: Option<(ClaimId, u64)>,
    generation: u64,
    /// What the last `build` event said.
    shown: String,
}

impl BuildSession {
    /// A session that goes on after `cursor`. `record` is the newest that is known.
    pub(crate) fn new(
        state: AppState,
        client: Client,
        record: Arc<Record>,
        cursor: Cursor,
    ) -> Self {
        Self {
            key: record.build.key(),
            state,
            client,
            record,
            seen: Instant::now(),
            cursor,
            ended: HashSet::new(),
            read: 0,
            last: None,
            generation: 0,
            shown: String::new(),
        }
    }

    /// Sends until the build is over or the client is gone. `void`: what the client saw before is void.
    pub(crate) async fn run(mut self, void: bool) {
        let client = self.client.clone();
        tokio::select! {
            () = client.gone() => {}
            // The client is gone; the error has no receiver.
            _ = self.send_all(void) => {}
        }
    }

    async fn send_all(&mut self, mut void: bool) -> Result<(), Gone> {
        loop {
            if void {
                self.send("reset", "{}").await?;
            }
            match self.follow().await? {
                Turn::Over => return self.send("end", "{}").await,
                Turn::Removed => return self.send_removed().await,
                Turn::Void => {
                    void = true;
                    if !self.start_over().await {
                        return self.send_removed().await;
                    }
                }
            }
        }
    }

    async fn send_removed(&self) -> Result<(), Gone> {
        self.send("removed", "{}").await?;
        self.send("end", "{}").await
    }

    async fn follow(&mut self) -> Result<Turn, Gone> {
        let mut levels = self.state.records.follow(&self.key);
        let level = levels.level();
        self.generation = level.generation;
        if let Some(record) = level.record
            && record.revision >= self.record.revision
        {
            self.take(record);
        }
        self.send_record().await?;
        loop {
            let mut lines = self.state.logs.follow(&self.key);
            if let Some(turn) = self.catch_up(&mut levels).await? {
                return Ok(turn);
            }
            if let Some(turn) = self.go_along(&mut levels, &mut lines).await? {
                return Ok(turn);
            }
        }
    }

    /// Reads the log from the stream up to its present end.
    async fn catch_up(&mut self, levels: &mut LevelFollower) -> Result<Option<Turn>, Gone> {
        // What is stored when the reading begins has been sent when it is done.
        let mut revision = self.record.revision;
        loop {
            let hub = Arc::clone(&self.state.logs);
            let page = hub.backlog(&self.key, self.cursor.log_position());
            let (entries, is_all) = tokio::select! {
                page = page => page,
                () = levels.changed() => {
                    if let Some(turn) = self.see(levels).await? {
                        return Ok(Some(turn));
                    }
                    revision = self.record.revision;
                    continue;
                }
            };
            // What was read belongs to the stream that is there now.
            if self.is_void().await {
                return Ok(Some(Turn::Void));
            }
            for logged in entries {
                self.send_line(&LogLine::new(logged)).await?;
            }
            if is_all {
                self.read = revision;
                return Ok(None);
            }
        }
    }

    /// Sends lines and levels as they come, until lines were missed, or have to be looked for.
    async fn go_along(
        &mut self,
        levels: &mut LevelFollower,
        lines: &mut LineFollower,
    ) -> Result<Option<Turn>, Gone> {
        let mut look = interval_at(Instant::now() + QUEUE_INTERVAL, QUEUE_INTERVAL);
        loop {
            let step = match self.next_step() {
                Step::End => return Ok(Some(Turn::Over)),
                Step::Go => None,
                Step::Read(at) => Some(at),
            };
            let waits = self.record.build.status() == Status::New;
            tokio::select! {
                biased;
                signal = lines.next() => match signal {
                    Some(LogSignal::Line(line)) if self.leaves_a_hole(&line) => {
                        // Said once: where the stream has the hole too, the line is sent after it.
                        self.last = None;
                        return Ok(None);
                    }
                    Some(LogSignal::Line(line)) => self.send_line(&line).await?,
                    Some(LogSignal::Reset) => if self.is_void().await { return Ok(Some(Turn::Void)) },
                    None => return Ok(None),
                },
                () = levels.changed() => if let Some(turn) = self.see(levels).await? {
                    return Ok(Some(turn));
                },
                () = until(step) => return Ok(None),
                _ = look.tick(), if waits => self.show().await?,
            }
        }
    }

    fn next_step(&self) -> Step {
        let is_sent = match (self.record.build.log(), self.record.build.holder()) {
            (Some(end), _) => self.cursor.sequence >= end.last,
            (None, Some(holder)) => self.ended.contains(&holder.claim),
            (None, None) => true,
        };
        next_step(&self.record, self.seen, is_sent, self.read)
    }

    async fn see(&mut self, levels: &mut LevelFollower) -> Result<Option<Turn>, Gone> {
        let level = levels.level();
        if level.generation != self.generation {
            return Ok(Some(Turn::Void));
        }
        match level.record {
            Some(record) if record.revision > self.record.revision => {
                self.take(record);
                self.send_record().await?;
                Ok(None)
            }
            Some(_) => Ok(None),
            None => Ok(Some(Turn::Removed)),
        }
    }

    fn take(&mut self, record: Arc<Record>) {
        self.record = record;
        self.seen = Instant::now();
    }

    /// Sends the record if this revision of it wasn't sent.
    async fn send_record(&mut self) -> Result<(), Gone> {
        if self.record.revision <= self.cursor.revision {
            return Ok(());
        }
        self.cursor.revision = self.record.revision;
        self.shown.clear();
        self.show().await
    }

    /// Sends what is known of the build, unless that was sent: of one that isn't finished, or may be asked for again only
    /// later, the service knows more than its record says.
    async fn show(&mut self) -> Result<(), Gone> {
        let known = if self.record.says_all() {
            None
        } else {
            let view = self.state.view(&self.key).await.ok();
            view.filter(|view| view.revision == self.record.revision)
        };
        let json = match known.map(|view| serde_json::to_string(&view)) {
            Some(Ok(json)) => json,
            Some(Err(_)) | None if self.shown.is_empty() => self.record.json().to_owned(),
            Some(Err(_)) | None => return Ok(()),
        };
        if json == self.shown {
            return Ok(());
        }
        self.send("build", &json).await?;
        self.shown = json;
        Ok(())
    }

    async fn send_line(&mut self, line: &LogLine) -> Result<(), Gone> {
        let logged = &line.logged;
        if logged.sequence <= self.cursor.log_position() {
            return Ok(());
        }
        self.cursor.sequence = logged.sequence.get();
        self.last = Some((logged.claim.clone(), logged.entry.n));
        let name = match &logged.entry.event {
            LogEvent::Gap { .. } => "gap",
            LogEvent::End { .. } => {
                self.ended.insert(logged.claim.clone());
                "log"
            }
            LogEvent::Claimed { .. } | LogEvent::Phase { .. } | LogEvent::Lines { .. } => "log",
        };
        self.send(name, &line.json).await
    }

    async fn send(&self, name: &str, data: &str) -> Result<(), Gone> {
        let event = Event::default()
            .event(name)
            .id(self.cursor.to_string())
            .data(data);
        self.client.send(event).await
    }

    /// Whether a line doesn't follow on the last one of its claim: a replica may have been read that lagged behind.
    fn leaves_a_hole(&self, line: &LogLine) -> bool {
        self.last.as_ref().is_some_and(|(claim, n)| {
            line.logged.sequence > self.cursor.log_position()
                && line.logged.claim == *claim
                && line.logged.entry.n > n + 1
        })
    }

    /// Whether the stream isn't the one that was sent from. A follower that was opened before may say so of a change
    /// that this session came after.
    async fn is_void(&self) -> bool {
        let state = self.state.logs.state().await;
        state.epoch != self.cursor.epoch || state.last < self.cursor.log_position()
    }

    /// Forgets what was sent. Whether the build still exists.
    async fn start_over(&mut self) -> bool {
        self.ended.clear();
        self.read = 0;
        self.last = None;
        self.cursor = Cursor::beginning(&self.state.logs.state().await);
        loop {
            match self.state.store.builds.get(&self.key).await {
                Ok(Some(record)) => {
                    self.take(Record::new(record, Some(std::time::Instant::now())));
                    return true;
                }
                Ok(None) | Err(StoreError::Corrupt { .. }) => return false,
                Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
    }
}
