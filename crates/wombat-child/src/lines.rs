//! Clean lines from untrusted output.

/// Longest line that is kept, in bytes; the rest of it is dropped.
const MAX_LINE: usize = 4096;

/// Splits bytes into lines of text without control characters and terminal sequences, and of bounded length.
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
            let room = MAX_LINE.saturating_sub(self.pending.len());
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
        let mut line = clean(&self.pending);
        if self.cut {
            line.push('…');
        }
        self.pending.clear();
        self.cut = false;
        line
    }
}

/// Text without control characters and terminal sequences; a tab becomes a space.
fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut line = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => match rest.next() {
                // A control sequence ends at its first letter-like character, an operating-system command at BEL or ESC \.
                Some('[') => drop(rest.by_ref().find(|c| ('@'..='~').contains(c))),
                Some(']') => {
                    if rest.by_ref().find(|c| matches!(c, '\u{7}' | '\u{1b}')) == Some('\u{1b}') {
                        rest.next_if_eq(&'\\');
                    }
                }
                Some(_) | None => {}
            },
            '\t' => line.push(' '),
            // Marks that reorder text would make a line look different from what the program printed.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            other if other.is_control() => {}
            other => line.push(other),
        }
    }
    line.truncate(line.trim_end().len());
    line
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
        assert_eq!(lines(&["a\u{202e}b\u{9b}31m".as_bytes()]), ["ab31m"]);
    }

    #[test]
    fn length_is_bounded_whatever_comes() {
        let flood = vec![b'x'; 10 * MAX_LINE];
        let found = lines(&[&flood, &flood, b"\nnext\n"]);
        assert_eq!(found[0].len(), MAX_LINE + '…'.len_utf8());
        assert_eq!(found[1], "next");
    }
}
