//! The events of one build as one client is sent them: what it was sent, and how an event follows on that.

use std::collections::HashSet;

use axum::response::sse::Event;
use wombat_model::{Build, ClaimId, log::LogEvent};

use super::{Client, ClientGone, Cursor};
use crate::live::LogLine;

/// The client of a session, and what it was sent.
pub(super) struct BuildEvents {
    client: Client,
    cursor: Cursor,
    /// Claims whose last line was sent.
    ended: HashSet<ClaimId>,
    /// The last line that was sent, to notice a gap.
    last_line: Option<(ClaimId, u64)>,
    /// The data of the last `build` event.
    shown: String,
}

impl BuildEvents {
    /// Events that follow on `cursor`.
    pub(super) fn new(client: Client, cursor: Cursor) -> Self {
        Self {
            client,
            cursor,
            ended: HashSet::new(),
            last_line: None,
            shown: String::new(),
        }
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The id of the last event.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Forgets what was sent; the next events follow on `cursor`.
    pub(super) fn start_over(&mut self, cursor: Cursor) {
        self.ended.clear();
        self.last_line = None;
        self.cursor = cursor;
    }

    /// Moves on to a revision of the record. `false`: it was sent already.
    pub(super) fn begin_revision(&mut self, revision: u64) -> bool {
        let is_new = revision > self.cursor.revision;
        if is_new {
            self.cursor.revision = revision;
            self.shown.clear();
        }
        is_new
    }

    /// Whether a `build` event of this revision was sent.
    pub(super) fn has_shown(&self) -> bool {
        !self.shown.is_empty()
    }

    /// Sends the build, unless the last `build` event said the same.
    pub(super) async fn show(&mut self, json: String) -> Result<(), ClientGone> {
        if json == self.shown {
            return Ok(());
        }
        self.send("build", &json).await?;
        self.shown = json;
        Ok(())
    }

    /// Sends a line, unless it was sent.
    pub(super) async fn send_line(&mut self, line: &LogLine) -> Result<(), ClientGone> {
        let logged = &line.logged;
        if logged.sequence <= self.cursor.log_position() {
            return Ok(());
        }
        self.cursor.sequence = logged.sequence.get();
        self.last_line = Some((logged.claim.clone(), logged.entry.n));
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

    pub(super) async fn send(&self, name: &str, data: &str) -> Result<(), ClientGone> {
        let event = Event::default()
            .event(name)
            .id(self.cursor.to_string())
            .data(data);
        self.client.send(event).await
    }

    /// Whether lines of the same claim are missing before this one: the stream may have been read from a replica that lagged
    /// behind.
    pub(super) fn leaves_a_gap(&self, line: &LogLine) -> bool {
        self.last_line.as_ref().is_some_and(|(claim, n)| {
            line.logged.sequence > self.cursor.log_position()
                && line.logged.claim == *claim
                && line.logged.entry.n > n + 1
        })
    }

    /// Lets the next line follow on any other.
    pub(super) fn accept_gap(&mut self) {
        self.last_line = None;
    }

    /// Whether the last line of the build's claim was sent. A build without a claim has no lines.
    pub(super) fn has_log_end(&self, build: &Build) -> bool {
        match (build.log(), build.holder()) {
            (Some(end), _) => self.cursor.sequence >= end.last,
            (None, Some(holder)) => self.ended.contains(&holder.claim),
            (None, None) => true,
        }
    }
}
