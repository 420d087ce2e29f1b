//! A pipeline's text after its variables were replaced. Each part knows its place in the text that was sent.

mod source;

use std::{ops::Range, sync::Arc};

pub(crate) use source::Position;
use source::Source;

/// Number of a use of a variable, by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UseId(pub(super) usize);

/// Where a part of the text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Copied from the text that was sent.
    Copied,
    /// A value, in place of a variable.
    Use(UseId),
    /// The same in another spelling.
    Edited,
}

#[derive(Clone, Debug)]
struct Piece {
    /// Offset in the text; it ends where the next piece begins.
    start: usize,
    /// Range in the source.
    source: Range<usize>,
    origin: Origin,
}

/// A text made of parts of a source and of other texts. It may hold passwords, so there is no debug output of it.
#[derive(Clone)]
pub(super) struct Text {
    source: Arc<Source>,
    replaced: String,
    pieces: Vec<Piece>,
}

impl Text {
    /// An empty text, to which parts of the source are added in order.
    pub(super) fn from_parts_of(source: &str) -> Self {
        Self {
            source: Arc::new(Source::new(source)),
            replaced: String::new(),
            pieces: Vec::new(),
        }
    }

    /// Adds a part of the source as it is.
    pub(super) fn copy(&mut self, range: Range<usize>) {
        let part = self.source.text.get(range.clone()).unwrap_or_default();
        if !part.is_empty() {
            self.pieces.push(Piece {
                start: self.replaced.len(),
                source: range,
                origin: Origin::Copied,
            });
            self.replaced.push_str(part);
        }
    }

    /// Adds another text in place of a part of the source.
    pub(super) fn insert(&mut self, text: &str, source: Range<usize>, origin: Origin) {
        if !text.is_empty() {
            self.pieces.push(Piece {
                start: self.replaced.len(),
                source,
                origin,
            });
            self.replaced.push_str(text);
        }
    }

    /// The same with some ranges, in order and without overlaps, spelled differently.
    pub(super) fn edited(&self, edits: &[(Range<usize>, &str)]) -> Self {
        let mut edited = Self {
            source: Arc::clone(&self.source),
            replaced: String::with_capacity(self.replaced.len()),
            pieces: Vec::with_capacity(self.pieces.len() + 2 * edits.len()),
        };
        let mut at = 0;
        for (range, spelling) in edits {
            self.add_range(at..range.start, &mut edited);
            let origin = match self.piece(range.start).map(|piece| piece.origin) {
                Some(Origin::Use(id)) => Origin::Use(id),
                Some(Origin::Copied | Origin::Edited) | None => Origin::Edited,
            };
            edited.insert(spelling, self.source_range(range), origin);
            at = range.end;
        }
        self.add_range(at..self.replaced.len(), &mut edited);
        edited
    }

    fn add_range(&self, range: Range<usize>, to: &mut Self) {
        for (piece, own) in self.pieces_in(&range) {
            let part = self.replaced.get(own.clone()).unwrap_or_default();
            let source = match piece.origin {
                Origin::Copied => {
                    let begin = piece.source.start + (own.start - piece.start);
                    begin..begin + own.len()
                }
                Origin::Use(_) | Origin::Edited => piece.source.clone(),
            };
            to.insert(part, source, piece.origin);
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.replaced
    }

    /// The piece that an offset is in.
    fn piece(&self, offset: usize) -> Option<&Piece> {
        let after = self.pieces.partition_point(|it| it.start <= offset);
        self.pieces.get(after.checked_sub(1)?)
    }

    /// The pieces of a range, each with its share of it.
    fn pieces_in(&self, range: &Range<usize>) -> impl Iterator<Item = (&Piece, Range<usize>)> {
        let range = range.clone();
        let after = self.pieces.partition_point(|it| it.start <= range.start);
        let first = after.saturating_sub(1);
        (first..self.pieces.len())
            .map_while(move |index| {
                let piece = &self.pieces[index];
                let end = self.pieces.get(index + 1);
                let end = end.map_or(self.replaced.len(), |next| next.start);
                let share = piece.start.max(range.start)..end.min(range.end);
                (piece.start < range.end).then_some((piece, share))
            })
            .filter(|(_, share)| !share.is_empty())
    }

    /// The range of the source that a range of the text comes from.
    pub(super) fn source_range(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.source_offset(range.start);
        let last = self.pieces_in(range).last();
        let end = last.map_or(start, |(piece, share)| match piece.origin {
            Origin::Copied => piece.source.start + (share.end - piece.start),
            Origin::Use(_) | Origin::Edited => piece.source.end,
        });
        start..end.max(start)
    }

    fn source_offset(&self, offset: usize) -> usize {
        match self.piece(offset) {
            None => 0,
            Some(piece) if piece.origin == Origin::Copied => {
                let within = (offset - piece.start).min(piece.source.len());
                piece.source.start + within
            }
            Some(_) if offset >= self.replaced.len() => self.source.text.len(),
            Some(piece) => piece.source.start,
        }
    }

    /// Where an offset of the text stands in the source.
    pub(super) fn position(&self, offset: usize) -> Position {
        self.source.position(self.source_offset(offset))
    }

    /// Where an offset of the source stands in it.
    pub(super) fn source_position(&self, offset: usize) -> Position {
        self.source.position(offset)
    }

    /// A part of the source.
    pub(super) fn source_text(&self, range: Range<usize>) -> &str {
        self.source.text.get(range).unwrap_or_default()
    }

    /// The variables whose values are in a range.
    pub(super) fn uses_in(&self, range: &Range<usize>) -> Vec<UseId> {
        let mut uses: Vec<UseId> = self
            .pieces_in(range)
            .filter_map(|(piece, _)| match piece.origin {
                Origin::Use(id) => Some(id),
                Origin::Copied | Origin::Edited => None,
            })
            .collect();
        uses.dedup();
        uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a: ${X}` with a value of two lines, and a second line.
    fn replaced() -> Text {
        let mut text = Text::from_parts_of("é: ${X}\nb: c\n");
        text.copy(0..4);
        text.insert("one two", 4..8, Origin::Use(UseId(0)));
        text.copy(8..14);
        text
    }

    #[test]
    fn places_are_those_of_the_source() {
        let text = replaced();
        assert_eq!(text.as_str(), "é: one two\nb: c\n");
        let at = |offset| {
            let Position { line, column } = text.position(offset);
            (line, column)
        };
        assert_eq!(
            (at(0), at(2), at(4), at(9)),
            ((1, 1), (1, 2), (1, 4), (1, 4))
        );
        assert_eq!((at(12), at(15), at(99)), ((2, 1), (2, 4), (3, 1)));
        assert_eq!(text.uses_in(&(0..5)), [UseId(0)]);
        assert_eq!(text.uses_in(&(0..4)), []);
        assert_eq!(text.source_text(text.source_range(&(2..6))), ": ${X}");
    }

    #[test]
    fn edits_keep_places() {
        let text = replaced().edited(&[(0..2, "eee"), (8..11, "-"), (12..13, "bb")]);
        assert_eq!(text.as_str(), "eee: one -\nbb: c\n");
        let at = |word: &str| {
            let offset = text.as_str().find(word).unwrap();
            let Position { line, column } = text.position(offset);
            (line, column)
        };
        assert_eq!((at("eee"), at(":"), at("one")), ((1, 1), (1, 2), (1, 4)));
        assert_eq!((at("-"), at("bb"), at("c")), ((1, 4), (2, 1), (2, 4)));
        let end = text.as_str().find('-').unwrap();
        assert_eq!(text.uses_in(&(end..end + 1)), [UseId(0)]);
    }

    #[test]
    fn lines_end_as_in_yaml() {
        let source = "\u{feff}a\r\nb\rc\nd\u{85}e\u{2028}f";
        let mut text = Text::from_parts_of(source);
        text.copy(0..source.len());
        let lines: Vec<(usize, usize)> = ["a", "b", "c", "d", "e", "f"]
            .map(|word| text.position(source.find(word).unwrap()))
            .iter()
            .map(|it| (it.line, it.column))
            .collect();
        assert_eq!(lines, [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]);
    }
}
