//! The text that was sent.

/// A position in the text that was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
}

/// Bytes between the places whose number of characters is known.
const BLOCK: usize = 512;

/// The text that was sent, and where its lines begin.
pub(super) struct Source {
    pub(super) text: String,
    lines: Vec<usize>,
    /// Characters before each block: lines may be long.
    characters: Vec<usize>,
}

impl Source {
    /// Lines end as in YAML. A byte order mark has no width.
    pub(super) fn new(text: &str) -> Self {
        let mut lines = vec![if text.starts_with('\u{feff}') { 3 } else { 0 }];
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let followed = characters.peek().is_some_and(|(_, next)| *next == '\n');
            match character {
                '\r' if followed => {}
                '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    lines.push(at + character.len_utf8());
                }
                _ => {}
            }
        }
        let blocks = text.as_bytes().chunks(BLOCK);
        let mut before = 0;
        let characters = blocks.map(|block| {
            let count = before;
            before += begun_in(block);
            count
        });
        Self {
            characters: characters.collect(),
            text: text.to_owned(),
            lines,
        }
    }

    /// Characters before an offset.
    fn characters_before(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        let block = (offset / BLOCK).min(self.characters.len().saturating_sub(1));
        let before = self.characters.get(block).copied().unwrap_or_default();
        before + begun_in(&self.text.as_bytes()[block * BLOCK..offset])
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines[line - 1];
        let before = self.characters_before(offset);
        let column = before.saturating_sub(self.characters_before(start)) + 1;
        Position { line, column }
    }
}

/// Characters that begin in these bytes.
fn begun_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}
