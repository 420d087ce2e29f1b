//! Reports of a running build: phases, progress and lines. Sending one never blocks.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc;
use wombat_model::{
    log::{Phase, Progress},
    plain_text::{Form, LocalNames, plain},
};

/// Most lines that may wait to be written to the log; further ones are dropped and counted.
const MAX_WAITING_LINES: u64 = 20_000;

/// A report of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A phase began or made progress.
    Phase(Phase, Option<Progress>),
    /// A line of a child's output, or of the builder.
    Line(String),
    /// Lines are missing here.
    Dropped {
        /// How many.
        lines: u64,
        /// Their size, with line ends.
        bytes: u64,
    },
}

/// The sender of a build's reports.
#[derive(Clone, Debug)]
pub struct Reporter {
    sender: mpsc::UnboundedSender<Report>,
    waiting_lines: Arc<AtomicU64>,
    dropped: Dropped,
    names: Arc<LocalNames>,
}

/// The receiver of a [`Reporter`]'s reports.
#[derive(Debug)]
pub struct Reports {
    receiver: mpsc::UnboundedReceiver<Report>,
    waiting_lines: Arc<AtomicU64>,
    dropped: Dropped,
}

/// Dropped lines that weren't reported yet.
#[derive(Clone, Debug, Default)]
struct Dropped {
    lines: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Dropped {
    fn count(&self, line: &str) {
        self.lines.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(line.len() as u64 + 1, Ordering::Relaxed);
    }

    /// Takes their report.
    fn take(&self) -> Option<Report> {
        let lines = self.lines.swap(0, Ordering::Relaxed);
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        (lines > 0).then_some(Report::Dropped { lines, bytes })
    }
}

impl Reporter {
    /// A reporter and its receiver.
    pub fn new() -> (Self, Reports) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let waiting_lines = Arc::new(AtomicU64::new(0));
        let reports = Reports {
            receiver,
            waiting_lines: waiting_lines.clone(),
            dropped: Dropped::default(),
        };
        let dropped = reports.dropped.clone();
        (
            Self {
                sender,
                waiting_lines,
                dropped,
                names: Arc::default(),
            },
            reports,
        )
    }

    /// The same, but its lines don't have these names.
    #[must_use]
    pub fn hiding(self, names: LocalNames) -> Self {
        Self {
            names: Arc::new(names),
            ..self
        }
    }

    /// Reports that a phase began or made progress. The caller limits the rate.
    pub fn phase(&self, phase: Phase, progress: Option<Progress>) {
        self.send(Report::Phase(phase, progress));
    }

    /// Reports a line for the log, or several: as plain text, since it may quote a stranger's code.
    pub fn line(&self, text: impl AsRef<str>) {
        let text = plain(text.as_ref(), Form::Lines);
        for line in self.names.hidden_in(&text).split('\n') {
            self.plain_line(line.to_owned());
        }
    }

    fn plain_line(&self, line: String) {
        if self.waiting_lines.load(Ordering::Relaxed) >= MAX_WAITING_LINES {
            self.dropped.count(&line);
            return;
        }
        if let Some(report) = self.dropped.take() {
            self.send(report);
        }
        self.waiting_lines.fetch_add(1, Ordering::Relaxed);
        self.send(Report::Line(line));
    }

    fn send(&self, report: Report) {
        // After the claim has ended there is no receiver, and reports don't matter.
        let _ = self.sender.send(report);
    }
}

impl Reports {
    /// The next report; `None` once every reporter is gone.
    pub async fn next(&mut self) -> Option<Report> {
        let Some(report) = self.receiver.recv().await else {
            return self.dropped.take();
        };
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
    async fn what_is_dropped_last_is_counted_too() {
        let (reporter, mut reports) = Reporter::new();
        for _ in 0..MAX_WAITING_LINES + 2 {
            reporter.line("x");
        }
        drop(reporter);
        let mut last = None;
        while let Some(report) = reports.next().await {
            last = Some(report);
        }
        assert_eq!(last, Some(Report::Dropped { lines: 2, bytes: 4 }));
    }

    #[tokio::test]
    async fn lines_are_plain_and_have_no_local_names() {
        let (reporter, mut reports) = Reporter::new();
        let names = LocalNames::default().folder("/s/state".as_ref(), "$STATE");
        let reporter = reporter.hiding(names);
        reporter.line("\u{1b}[31mcan't open /s/\u{200b}state/x:\r\n\u{202e}no");
        drop(reporter);
        for expected in ["can't open $STATE/x:", "no"] {
            assert_eq!(reports.next().await, Some(Report::Line(expected.into())));
        }
        assert_eq!(reports.next().await, None);
    }

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
                Report::Dropped {
                    lines: 5,
                    bytes: 10
                },
                Report::Line("after".into())
            ]
        );
    }
}
