//! Writes a claim's log to `BUILD_LOGS`: numbered, in order, limited in size, and without delaying the build.
//!
//! Messages are sent before earlier ones are acknowledged. If one isn't acknowledged, sending pauses until all are
//! settled; from that one on, they are sent again one by one, under the same numbers, so that none is stored twice.

use std::{collections::VecDeque, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesOrdered};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use wombat_go::report::Reports;
use wombat_model::{
    BuildKey, ClaimId, Status,
    log::{LogEntry, LogEvent},
};
use wombat_store::{Claim, Logs, Revision, StoreError};

use super::log_shape::LogShape;
use crate::until::until;

/// Most unacknowledged messages.
const IN_FLIGHT: usize = 16;
/// Pause while NATS is unavailable.
const PAUSE: Duration = Duration::from_millis(500);

/// The log of a claim, written by its own task.
#[derive(Debug)]
pub(super) struct ClaimLog {
    ends: mpsc::UnboundedSender<Status>,
    /// The announced end.
    announced: Option<Status>,
    /// The position of the last stored end, if everything before it is stored, too.
    sealed: watch::Receiver<Option<Revision>>,
    give_up: CancellationToken,
    task: JoinHandle<()>,
}

impl ClaimLog {
    /// Starts a log with "claimed"; `limit` is the size of all lines together, in bytes.
    pub(super) fn start(logs: &Logs, claim: &Claim, limit: u64, reports: Reports) -> Self {
        let (ends, asked_ends) = mpsc::unbounded_channel();
        let (seal, sealed) = watch::channel(None);
        let give_up = CancellationToken::new();
        let mut writer = Writer {
            logs: logs.clone(),
            key: claim.key().clone(),
            claim: claim.id().clone(),
            begun: Instant::now(),
            next: 1,
            entries: VecDeque::new(),
            in_flight: FuturesOrdered::new(),
            one_by_one: 0,
            draining: false,
            session: logs.session(),
            pause: false,
            last: Revision::ZERO,
            lost: LostLines::default(),
        };
        writer.add(LogEvent::Claimed {
            builder: claim.holder().builder.clone(),
            attempt: claim.build().attempt(),
        });
        let shape = LogShape::new(limit);
        Self {
            ends,
            announced: None,
            sealed,
            task: tokio::spawn(writer.run(shape, reports, asked_ends, seal, give_up.clone())),
            give_up,
        }
    }

    /// Writes the rest and the end mark. Returns the mark's position once the whole log is stored; `None` if that takes
    /// longer than `limit`. Can be called again.
    pub(super) async fn seal(&mut self, status: Status, limit: Duration) -> Option<Revision> {
        if self.announced.replace(status) != Some(status) {
            // Fails if the task is gone.
            let _ = self.ends.send(status);
        }
        let sealed = timeout(limit, self.sealed.wait_for(Option::is_some)).await;
        sealed.ok().and_then(Result::ok).and_then(|place| *place)
    }

    /// Writes the claim's end, unless the same one was written, and waits until everything is stored. Drops the rest
    /// after `limit`, and counts it in a gap if NATS accepts at least that.
    pub(super) async fn finish(self, status: Status, limit: Duration) {
        if self.announced != Some(status) {
            let _ = self.ends.send(status);
        }
        drop(self.ends);
        let mut task = self.task;
        if timeout(limit, &mut task).await.is_ok() {
            return;
        }
        warn!("the end of a log couldn't be written in time");
        self.give_up.cancel();
        if timeout(limit, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// A pending acknowledgement.
type Acknowledgement = BoxFuture<'static, Result<Revision, StoreError>>;

/// Lines that couldn't be stored.
#[derive(Clone, Copy, Debug, Default)]
struct LostLines {
    lines: u64,
    bytes: u64,
}

impl LostLines {
    fn add(&mut self, event: &LogEvent) {
        match event {
            LogEvent::Lines { lines } => {
                self.lines += lines.len() as u64;
                self.bytes += lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>();
            }
            LogEvent::Gap { dropped, bytes } => {
                self.lines += dropped;
                self.bytes += bytes.unwrap_or(0);
            }
            LogEvent::Claimed { .. } | LogEvent::Phase { .. } | LogEvent::End { .. } => {}
        }
    }

    /// Takes the gap that reports them.
    fn take(&mut self) -> LogEvent {
        let Self { lines, bytes } = std::mem::take(self);
        LogEvent::Gap {
            dropped: lines,
            bytes: Some(bytes),
        }
    }
}

struct Writer {
    logs: Logs,
    key: BuildKey,
    claim: ClaimId,
    begun: Instant,
    next: u64,
    /// Entries that aren't acknowledged; the first of them may have been sent.
    entries: VecDeque<LogEntry>,
    /// Acknowledgements of the first entries, in order.
    in_flight: FuturesOrdered<Acknowledgement>,
    /// Number of first entries to send one by one, since one of them wasn't acknowledged.
    one_by_one: usize,
    /// Whether to discard the acknowledgements in flight, after a failure before them.
    draining: bool,
    /// The server session in which the entries in flight were sent.
    session: u64,
    /// Whether to pause before the next entry.
    pause: bool,
    /// Position of the last stored entry.
    last: Revision,
    lost: LostLines,
}

impl Writer {
    async fn run(
        mut self,
        mut shape: LogShape,
        mut reports: Reports,
        mut ends: mpsc::UnboundedReceiver<Status>,
        seal: watch::Sender<Option<Revision>>,
        give_up: CancellationToken,
    ) {
        let mut is_told = false;
        let mut is_over = false;
        let mut end = None;
        let mut without_rest = false;
        while !(is_over && self.entries.is_empty()) {
            self.send_ahead().await;
            let flush_at = shape.flush_at();
            tokio::select! {
                report = reports.next(), if !is_told => if let Some(report) = report {
                    shape.take(report);
                } else {
                    shape.finish();
                    is_told = true;
                },
                () = until(flush_at) => shape.flush(),
                // Without a status the builder itself stops; another builder writes the end.
                status = ends.recv(), if is_told && !is_over => match status {
                    Some(status) => {
                        end = Some(status);
                        self.add(LogEvent::End { status });
                    }
                    None => is_over = true,
                },
                Some(acknowledged) = self.in_flight.next() => {
                    if without_rest && acknowledged.is_err() {
                        return;
                    }
                    self.settle(acknowledged);
                }
                () = give_up.cancelled(), if !without_rest => {
                    without_rest = true;
                    self.drop_rest(end);
                }
            }
            while let Some(event) = shape.next() {
                self.add(event);
            }
            if end.is_some() && !without_rest && self.entries.is_empty() {
                seal.send_replace(Some(self.last));
            }
        }
    }

    fn add(&mut self, event: LogEvent) {
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let may_be_stored = self.in_flight.len().max(self.one_by_one);
        // A newer progress replaces an older one that hasn't been sent.
        if let LogEvent::Phase { phase, .. } = &event
            && self.entries.len() > may_be_stored
            && let Some(last) = self.entries.back_mut()
            && matches!(&last.event, LogEvent::Phase { phase: before, .. } if before == phase)
        {
            (last.at, last.event) = (at, event);
            return;
        }
        let n = self.next;
        self.next += 1;
        self.entries.push_back(LogEntry { n, at, event });
    }

    /// Sends entries without waiting for acknowledgements, as far as allowed.
    async fn send_ahead(&mut self) {
        let most = if self.one_by_one > 0 { 1 } else { IN_FLIGHT };
        while self.keeps_the_order()
            && self.in_flight.len() < most
            && let Some(entry) = self.entries.get(self.in_flight.len())
        {
            let acknowledgement = if std::mem::take(&mut self.pause) {
                let (logs, key, claim) = (self.logs.clone(), self.key.clone(), self.claim.clone());
                let entry = entry.clone();
                async move {
                    sleep(PAUSE).await;
                    logs.append(&key, &claim, &entry).await
                }
                .boxed()
            } else {
                match self.logs.send(&self.key, &self.claim, entry).await {
                    Ok(acknowledgement) => acknowledgement.boxed(),
                    Err(error) => async { Err(error) }.boxed(),
                }
            };
            self.in_flight.push_back(acknowledgement);
        }
    }

    /// Whether an entry that is sent now arrives after those in flight: not if they were sent in an earlier session.
    fn keeps_the_order(&mut self) -> bool {
        let session = self.logs.session();
        if self.in_flight.is_empty() {
            self.session = session;
        } else if self.session != session && !self.draining {
            self.one_by_one = self.one_by_one.max(self.in_flight.len());
            self.draining = true;
        }
        !self.draining
    }

    /// Handles the next acknowledgement. Entries that are sent again keep their numbers, so they aren't stored twice.
    fn settle(&mut self, acknowledged: Result<Revision, StoreError>) {
        if self.draining {
            self.draining = !self.in_flight.is_empty();
            return;
        }
        match acknowledged {
            Err(StoreError::Unavailable(_)) => {
                self.one_by_one = self.one_by_one.max(self.in_flight.len() + 1);
                // Entries sent again before these are settled might overtake them.
                self.draining = !self.in_flight.is_empty();
                self.pause = true;
                return;
            }
            Ok(place) => {
                self.last = self.last.max(place);
                self.entries.pop_front();
            }
            Err(error) => {
                warn!(%error, "can't write a log entry");
                if let Some(entry) = self.entries.pop_front() {
                    self.lost.add(&entry.event);
                }
            }
        }
        self.one_by_one = self.one_by_one.saturating_sub(1);
        if self.lost.lines > 0 && self.one_by_one == 0 {
            let gap = self.lost.take();
            self.add(gap);
        }
    }

    /// Drops the entries that aren't stored; only a gap and the end are left to write.
    fn drop_rest(&mut self, end: Option<Status>) {
        for entry in self.entries.drain(..) {
            self.lost.add(&entry.event);
        }
        self.in_flight.clear();
        (self.one_by_one, self.draining, self.pause) = (0, false, false);
        if self.lost.lines > 0 {
            let gap = self.lost.take();
            self.add(gap);
        }
        if let Some(status) = end {
            self.add(LogEvent::End { status });
        }
    }
}
