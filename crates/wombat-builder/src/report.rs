//! What a build tells while it runs: phases, progress and lines, handed on without ever waiting for anybody.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc;
use wombat_model::log::{Phase, Progress};

/// Lines that may wait to be written to the log; beyond, they are dropped and counted.
const MAX_WAITING_LINES: u64 = 20_000;

/// One thing that a build tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A phase began or came further.
    Phase(Phase, Option<Progress>),
    /// A line of a child's output, or one of our own.
    Line(String),
    /// So many lines are missing here.
    Dropped(u64),
}

/// Where a build reports to.
#[derive(Clone, Debug)]
pub struct Reporter {
    sender: mpsc::UnboundedSender<Report>,
    waiting_lines: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
}

/// The other end of a [`Reporter`].
#[derive(Debug)]
pub struct Reports {
    receiver: mpsc::UnboundedReceiver<Report>,
    waiting_lines: Arc<AtomicU64>,
}

impl Reporter {
    /// A reporter and where its reports come out.
    pub fn new() -> (Self, Reports) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let waiting_lines = Arc::new(AtomicU64::new(0));
        let reports = Reports {
            receiver,
            waiting_lines: waiting_lines.clone(),
        };
        (
            Self {
                sender,
                waiting_lines,
                dropped: Arc::default(),
            },
            reports,
        )
    }

    /// A phase began or came further. The caller throttles.
    pub fn phase(&self, phase: Phase, progress: Option<Progress>) {
        self.send(Report::Phase(phase, progress));
    }

    /// A line for the log.
    pub fn line(&self, line: impl Into<String>) {
        if self.waiting_lines.load(Ordering::Relaxed) >= MAX_WAITING_LINES {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            self.send(Report::Dropped(dropped));
        }
        self.waiting_lines.fetch_add(1, Ordering::Relaxed);
        self.send(Report::Line(line.into()));
    }

    fn send(&self, report: Report) {
        // Nobody listens any more once the claim is over; then nothing needs saying.
        let _ = self.sender.send(report);
    }
}

impl Reports {
    /// The next report; `None` once every reporter is gone.
    pub async fn next(&mut self) -> Option<Report> {
        let report = self.receiver.recv().await?;
        if matches!(report, Report::Line(_)) {
            self.waiting_lines.fetch_sub(1, Ordering::Relaxed);
        }
        Some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_is_dropped_and_counted_and_phases_pass() {
        let (reporter, mut reports) = Reporter::new();
        for _ in 0..MAX_WAITING_LINES + 5 {
            reporter.line("x");
        }
        reporter.phase(Phase::Link, None);
        assert_eq!(reports.next().await, Some(Report::Line("x".into())));
        reporter.line("after");
        drop(reporter);
        let mut rest = Vec::new();
        while let Some(report) = reports.next().await {
            rest.push(report);
        }
        let tail = &rest[rest.len() - 3..];
        assert_eq!(
            tail,
            [
                Report::Phase(Phase::Link, None),
                Report::Dropped(5),
                Report::Line("after".into())
            ]
        );
    }
}
