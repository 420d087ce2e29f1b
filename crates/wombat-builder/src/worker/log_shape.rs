//! Turns a build's reports into log entries: lines in batches; a log that is too long keeps its beginning and its end.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;
use wombat_model::log::LogEvent;

use wombat_go::report::Report;

/// Most bytes of lines in one message.
const MAX_BATCH: usize = 32 * 1024;
/// How long a line may wait for others.
const BATCH_AGE: Duration = Duration::from_millis(250);
/// How often the number of dropped lines is reported, while lines are being dropped.
const GAP_AGE: Duration = Duration::from_secs(5);

/// Turns reports into events. Never blocks: the caller takes the events.
#[derive(Debug)]
pub(super) struct LogShape {
    /// Size limit of all lines, in bytes.
    limit: u64,
    /// Bytes left for the beginning.
    head: u64,
    batch: Batch,
    /// Once the beginning is full: the newest lines, which are written at the end; lines dropped from it are reported
    /// as missing meanwhile.
    tail: Option<Tail>,
    made: VecDeque<LogEvent>,
}

/// Lines of the next message.
#[derive(Debug, Default)]
struct Batch {
    lines: Vec<String>,
    bytes: usize,
    oldest: Option<Instant>,
}

#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<String>,
    bytes: u64,
    /// Dropped lines before its first line that weren't reported yet.
    dropped: u64,
    dropped_bytes: u64,
    /// Since when there are dropped lines to report.
    since: Option<Instant>,
}

/// Size of a line with its line end, as it counts towards the limit.
fn size(line: &str) -> u64 {
    line.len() as u64 + 1
}

impl LogShape {
    /// `limit` is the size of all lines together, in bytes: three quarters for the beginning, the rest for the end.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            head: limit - limit / 4,
            batch: Batch::default(),
            tail: None,
            made: VecDeque::new(),
        }
    }

    /// The next event that is ready.
    pub(super) fn next(&mut self) -> Option<LogEvent> {
        self.made.pop_front()
    }

    /// When to call [`Self::flush`]; `None` if nothing waits.
    pub(super) fn flush_at(&self) -> Option<Instant> {
        let batch = self.batch.oldest.map(|oldest| oldest + BATCH_AGE);
        let gap = self.tail.as_ref().and_then(|tail| tail.since);
        let gap = gap.map(|since| since + GAP_AGE);
        batch.into_iter().chain(gap).min()
    }

    /// Writes lines that have waited long enough, and reports dropped ones.
    pub(super) fn flush(&mut self) {
        self.flush_lines();
        if let Some(tail) = &mut self.tail
            && tail.since.is_some_and(|since| since.elapsed() >= GAP_AGE)
        {
            self.made.extend(tail.gap());
        }
    }

    fn flush_lines(&mut self) {
        let Batch { lines, .. } = std::mem::take(&mut self.batch);
        if !lines.is_empty() {
            self.made.push_back(LogEvent::Lines { lines });
        }
    }

    pub(super) fn take(&mut self, report: Report) {
        match report {
            Report::Phase(phase, progress) => {
                self.flush_lines();
                self.made.push_back(LogEvent::Phase { phase, progress });
            }
            Report::Dropped { lines, bytes } => {
                if let Some(tail) = &mut self.tail {
                    // The lines in the tail are older than the gap.
                    tail.clear();
                    tail.drop(lines, bytes);
                } else {
                    self.flush_lines();
                    self.made.push_back(LogEvent::Gap {
                        dropped: lines,
                        bytes: Some(bytes),
                    });
                }
            }
            Report::Line(line) => self.line(line),
        }
    }

    fn line(&mut self, line: String) {
        if let Some(tail) = &mut self.tail {
            tail.push(line, self.limit / 4);
        } else if size(&line) <= self.head {
            self.head -= size(&line);
            self.batch(line);
        } else {
            let notice = format!(
                "The log is near its limit of {} bytes: from here on only the last {} bytes are kept, and written when the build ends; until then, the log shows how much is missing.",
                self.limit,
                self.limit / 4
            );
            self.batch(notice);
            self.flush_lines();
            self.tail.get_or_insert_default().push(line, self.limit / 4);
        }
    }

    fn batch(&mut self, line: String) {
        if self.batch.bytes + line.len() > MAX_BATCH {
            self.flush_lines();
        }
        self.batch.oldest.get_or_insert_with(Instant::now);
        self.batch.bytes += line.len() + 1;
        self.batch.lines.push(line);
    }

    /// To be called after the last report: reports dropped lines, and writes the tail.
    pub(super) fn finish(&mut self) {
        self.flush_lines();
        let Some(mut tail) = self.tail.take() else {
            return;
        };
        self.made.extend(tail.gap());
        for line in tail.lines {
            self.batch(line);
        }
        self.flush_lines();
    }
}

impl Tail {
    fn push(&mut self, line: String, room: u64) {
        self.bytes += size(&line);
        self.lines.push_back(line);
        while self.bytes > room
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= size(&oldest);
            self.drop(1, size(&oldest));
        }
    }

    fn clear(&mut self) {
        if !self.lines.is_empty() {
            self.drop(self.lines.len() as u64, self.bytes);
        }
        self.lines.clear();
        self.bytes = 0;
    }

    fn drop(&mut self, lines: u64, bytes: u64) {
        self.dropped += lines;
        self.dropped_bytes += bytes;
        self.since.get_or_insert_with(Instant::now);
    }

    /// Takes the report of dropped lines.
    fn gap(&mut self) -> Option<LogEvent> {
        self.since.take()?;
        Some(LogEvent::Gap {
            dropped: std::mem::take(&mut self.dropped),
            bytes: Some(std::mem::take(&mut self.dropped_bytes)),
        })
    }
}

#[cfg(test)]
mod tests;
