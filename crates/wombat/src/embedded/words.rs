//! The last output of a child, for error messages.

use std::path::Path;

/// Most output that is kept, in bytes.
const KEPT: usize = 4096;

/// The end of what a child printed.
#[derive(Debug, Default)]
pub(super) struct LastWords(Vec<u8>);

impl LastWords {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        let excess = self.0.len().saturating_sub(KEPT);
        self.0.drain(..excess);
    }

    /// The last line that isn't blank.
    pub(super) fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let line = text.lines().rev().find(|line| !line.trim().is_empty());
        line.unwrap_or_default().trim().to_owned()
    }

    /// The last line or, if nothing was printed, the last error in the log, followed by the log's path.
    pub(super) async fn or_of_log(&self, log: &Path) -> String {
        let line = self.last_line();
        if !line.is_empty() {
            return line;
        }
        let text = tokio::fs::read(log).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let is_error = |line: &&str| line.contains("[FTL]") || line.contains("[ERR]");
        match text.lines().rev().find(is_error) {
            Some(line) => format!("{} ({})", without_stamp(line), log.display()),
            None => "it ended without any output".to_owned(),
        }
    }
}

/// `[1] 2026/01/31 12:00:00.000000 [FTL] words` without process and time.
fn without_stamp(line: &str) -> &str {
    let split = |mark| line.split_once(mark).map(|(_, words)| words);
    split("[FTL] ").or_else(|| split("[ERR] ")).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests may block")]

    use super::*;

    #[tokio::test]
    async fn the_last_error_of_a_log_is_told_where_nothing_was_printed() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("nats.log");
        assert_eq!(
            LastWords::default().or_of_log(&log).await,
            "it ended without any output"
        );
        std::fs::write(&log, "[1] 2026/01/31 [INF] a\n[1] 2026/01/31 [FTL] Can't start: no room\n[1] 2026/01/31 [INF] b\n")
            .unwrap();
        let told = LastWords::default().or_of_log(&log).await;
        assert!(told.starts_with("Can't start: no room ("), "{told}");
        let mut printed = LastWords::default();
        printed.add(b"nats-server: bad\n\n");
        assert_eq!(printed.or_of_log(&log).await, "nats-server: bad");
    }
}
