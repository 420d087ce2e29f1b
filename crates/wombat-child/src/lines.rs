//! Plain lines from untrusted output.

use wombat_model::plain_text::{Form, MAX_LINE, plain, plain_line};

/// Bytes of a line that are read, before what isn't text is removed; the rest is dropped.
const MAX_READ: usize = 4 * MAX_LINE;

/// Splits bytes into lines as [`plain_line`] makes them: without control characters, terminal sequences and hidden
/// characters, and of bounded length.
#[derive(Debug, Default)]
pub struct LineCutter {
    pending: Vec<u8>,
    cut: bool,
}

impl LineCutter {
    /// Adds bytes, and calls `each` with every complete line.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(String)) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, whole) = part
                .strip_suffix(b"\n")
                .map_or((part, false), |text| (text, true));
            let room = MAX_READ.saturating_sub(self.pending.len());
            self.cut |= text.len() > room;
            self.pending
                .extend_from_slice(&text[..text.len().min(room)]);
            if whole {
                each(self.take());
            }
        }
    }

    /// The last line, if the stream ended without a newline.
    pub fn finish(&mut self) -> Option<String> {
        (!self.pending.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let mut line = plain_line(&self.pending);
        if self.cut && !line.ends_with('…') {
            line.push('…');
            line = plain(&line, Form::Line).into_owned();
        }
        self.pending.clear();
        self.cut = false;
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut cutter = LineCutter::default();
        let mut found = Vec::new();
        for chunk in chunks {
            cutter.push(chunk, |line| found.push(line));
        }
        found.extend(cutter.finish());
        found
    }

    #[test]
    fn joins_chunks_and_splits_lines() {
        assert_eq!(
            lines(&[b"a", b"b\nc\r\n", b"", b"\nlast"]),
            ["ab", "c", "", "last"]
        );
    }

    #[test]
    fn strips_what_a_terminal_would_obey() {
        assert_eq!(
            lines(&[b"\x1b[31mred\x1b[0m\x07 \x1b]0;title\x07x\x1b]8;;u\x1b\\y\x00\tz\xff\n"]),
            ["red xy z\u{fffd}"]
        );
        assert_eq!(lines(&["a\u{202e}b\u{9b}31m".as_bytes()]), ["ab"]);
    }

    #[test]
    fn length_is_bounded_whatever_comes() {
        let flood = vec![b'x'; 10 * MAX_LINE];
        let found = lines(&[&flood, &flood, b"\nnext\n"]);
        assert_eq!(found[0].len(), MAX_LINE);
        assert!(found[0].ends_with("x…"));
        assert_eq!(found[1], "next");
        let colours = b"\x1b[0m".repeat(MAX_READ);
        assert_eq!(lines(&[b"a", &colours, b"b\n"]), ["a…"]);
    }
}
