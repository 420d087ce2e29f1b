//! Writes what a claim tells into `BUILD_LOGS`: numbered, in batches, within a limit, and never in the build's way.

use std::time::Duration;

use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing::warn;
use wombat_model::{
    BuildKey, ClaimId, Status,
    log::{LogEntry, LogEvent},
};
use wombat_store::{Claim, Logs, StoreError};

use crate::report::{Report, Reports};

/// Most bytes of lines in one message.
const MAX_BATCH: usize = 32 * 1024;
/// How long a line may wait for others.
const BATCH_AGE: Duration = Duration::from_millis(250);
/// Pause while NATS is away.
const PAUSE: Duration = Duration::from_millis(500);

/// The log of one claim, written by a task of its own.
#[derive(Debug)]
pub(super) struct ClaimLog {
    end: oneshot::Sender<Status>,
    task: JoinHandle<()>,
}

struct Writer {
    logs: Logs,
    key: BuildKey,
    claim: ClaimId,
    begun: Instant,
    next: u64,
    room: u64,
    lines: Vec<String>,
    bytes: usize,
    oldest: Instant,
    over_limit: u64,
}

impl ClaimLog {
    /// Begins with "claimed"; `limit` bounds the bytes of all lines together.
    pub(super) fn start(logs: &Logs, claim: &Claim, limit: u64, reports: Reports) -> Self {
        let (end, ended) = oneshot::channel();
        let writer = Writer {
            logs: logs.clone(),
            key: claim.key().clone(),
            claim: claim.id().clone(),
            begun: Instant::now(),
            next: 1,
            room: limit,
            lines: Vec::new(),
            bytes: 0,
            oldest: Instant::now(),
            over_limit: 0,
        };
        let claimed = LogEvent::Claimed {
            builder: claim.holder().builder.clone(),
            attempt: claim.build().attempt(),
        };
        Self {
            end,
            task: tokio::spawn(writer.run(claimed, reports, ended)),
        }
    }

    /// Writes what is left and the end mark; gives up after `limit`.
    pub(super) async fn finish(self, status: Status, limit: Duration) {
        // If the task is gone there is nobody to tell.
        let _ = self.end.send(status);
        let mut task = self.task;
        if timeout(limit, &mut task).await.is_err() {
            warn!("the end of a log couldn't be written in time");
            task.abort();
        }
    }
}

impl Writer {
    async fn run(
        mut self,
        claimed: LogEvent,
        mut reports: Reports,
        ended: oneshot::Receiver<Status>,
    ) {
        self.write(claimed).await;
        loop {
            let flush_at = self.oldest + BATCH_AGE;
            tokio::select! {
                report = reports.next() => match report {
                    Some(report) => self.take(report).await,
                    None => break,
                },
                () = tokio::time::sleep_until(flush_at), if !self.lines.is_empty() => self.flush().await,
            }
        }
        self.flush().await;
        if self.over_limit > 0 {
            self.write(LogEvent::Gap {
                dropped: self.over_limit,
            })
            .await;
        }
        // Without a status the builder itself is going down; others will say how it ends.
        if let Ok(status) = ended.await {
            self.write(LogEvent::End { status }).await;
        }
    }

    async fn take(&mut self, report: Report) {
        match report {
            Report::Phase(phase, progress) => {
                self.flush().await;
                self.write(LogEvent::Phase { phase, progress }).await;
            }
            Report::Dropped(dropped) => {
                self.flush().await;
                self.write(LogEvent::Gap { dropped }).await;
            }
            Report::Line(line) => {
                let size = line.len() as u64 + 1;
                if size > self.room {
                    // Nothing shorter gets through later: a log with holes that nobody sees would be worse.
                    self.room = 0;
                    self.over_limit += 1;
                    return;
                }
                self.room -= size;
                if self.bytes + line.len() > MAX_BATCH {
                    self.flush().await;
                }
                if self.lines.is_empty() {
                    self.oldest = Instant::now();
                }
                self.bytes += line.len() + 1;
                self.lines.push(line);
            }
        }
    }

    async fn flush(&mut self) {
        if !self.lines.is_empty() {
            self.bytes = 0;
            let lines = std::mem::take(&mut self.lines);
            self.write(LogEvent::Lines { lines }).await;
        }
    }

    /// Tries until it is written; the number keeps a repeat from being stored twice.
    async fn write(&mut self, event: LogEvent) {
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let entry = LogEntry {
            n: self.next,
            at,
            event,
        };
        self.next += 1;
        loop {
            match self.logs.append(&self.key, &self.claim, &entry).await {
                Ok(_) => return,
                Err(StoreError::Unavailable(_)) => sleep(PAUSE).await,
                Err(error) => {
                    warn!(%error, "a log entry can't be written");
                    return;
                }
            }
        }
    }
}
