//! Writes what a claim tells into `BUILD_LOGS`: numbered, in order, within a limit, and never in the build's way.
//!
//! Messages are sent ahead of their acknowledgements. Where one isn't acknowledged, nothing more is sent until all are
//! settled; from it on they are then sent again one by one, under the same numbers, so that none is stored twice.

use std::{collections::VecDeque, future::pending, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesOrdered};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use wombat_model::{
    BuildKey, ClaimId, Status,
    log::{LogEntry, LogEvent},
};
use wombat_store::{Claim, Logs, Revision, StoreError};

use super::log_shape::LogShape;
use crate::report::Reports;

/// Messages that are sent ahead of their acknowledgements.
const IN_FLIGHT: usize = 16;
/// Pause while NATS is away.
const PAUSE: Duration = Duration::from_millis(500);

/// The log of one claim, written by a task of its own.
#[derive(Debug)]
pub(super) struct ClaimLog {
    ends: mpsc::UnboundedSender<Status>,
    /// The end that was announced.
    announced: Option<Status>,
    /// Where the last end stands that was stored with everything before it.
    sealed: watch::Receiver<Option<Revision>>,
    give_up: CancellationToken,
    task: JoinHandle<()>,
}

impl ClaimLog {
    /// Begins with "claimed"; `limit` bounds the bytes of all lines together.
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
            lost: Lost::default(),
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

    /// Writes what is left and the end mark. Where the mark stands, once all of the log is stored; `None`: not so within
    /// `limit`. It can be waited for again.
    pub(super) async fn seal(&mut self, status: Status, limit: Duration) -> Option<Revision> {
        if self.announced.replace(status) != Some(status) {
            // Fails if the task is gone.
            let _ = self.ends.send(status);
        }
        let sealed = timeout(limit, self.sealed.wait_for(Option::is_some)).await;
        sealed.ok().and_then(Result::ok).and_then(|place| *place)
    }

    /// Says how the claim ended, if that wasn't said or is another end than was said, and waits until everything is stored.
    /// What isn't after `limit` is given up, and counted in a gap if NATS takes at least that.
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

/// An acknowledgement that is on its way.
type Acknowledgement = BoxFuture<'static, Result<Revision, StoreError>>;

/// Lines that couldn't be stored.
#[derive(Clone, Copy, Debug, Default)]
struct Lost {
    lines: u64,
    bytes: u64,
}

impl Lost {
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

    /// The gap that tells of it, once.
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
    /// Entries that aren't known to be stored; the first of them may have been sent.
    entries: VecDeque<LogEntry>,
    /// Of the first entries, in their order.
    in_flight: FuturesOrdered<Acknowledgement>,
    /// So many of the first entries are sent one by one: one of them wasn't acknowledged when all were sent at once.
    one_by_one: usize,
    /// What is still in flight was overtaken by a failure.
    draining: bool,
    /// The session with the server that what is in flight was sent in.
    session: u64,
    /// The next is sent after a pause.
    pause: bool,
    /// Where the last entry stands that was stored.
    last: Revision,
    lost: Lost,
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
                // Without a status the builder itself is going down; others will say how it ends.
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
        // How far a phase was a moment ago is of no use to a reader who hasn't been told.
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

    /// Sends what may be sent before the acknowledgements of what was sent.
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

    /// Whether what is sent now arrives after what is in flight: not if that was sent in an earlier session with the server.
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

    /// Takes the next acknowledgement. What is sent again has its number still, and isn't stored twice.
    fn settle(&mut self, acknowledged: Result<Revision, StoreError>) {
        if self.draining {
            self.draining = !self.in_flight.is_empty();
            return;
        }
        match acknowledged {
            Err(StoreError::Unavailable(_)) => {
                self.one_by_one = self.one_by_one.max(self.in_flight.len() + 1);
                // What is sent again before these are settled might overtake them.
                self.draining = !self.in_flight.is_empty();
                self.pause = true;
                return;
            }
            Ok(place) => {
                self.last = self.last.max(place);
                self.entries.pop_front();
            }
            Err(error) => {
                warn!(%error, "a log entry can't be written");
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

    /// Counts what isn't stored as lost, and leaves that to say and the end.
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

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
