//! Places of a text that stands within another one, such as in a Kubernetes manifest.

use super::{
    document::{NodeId, YamlDocuments},
    text::Position,
};

/// Where a text stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// It is a file of its own.
    Whole,
    /// Where each of its lines begins.
    Lines(Vec<Position>),
    /// Only its beginning is known.
    At(Position),
}

impl Frame {
    /// The frame of a scalar's value in the file that it was read from.
    pub(super) fn of_scalar(documents: &YamlDocuments, node: NodeId, file: &str) -> Self {
        let at = documents.position(node);
        let value = documents.text(node).unwrap_or_default();
        let written = documents.written(node);
        if written.starts_with('|') {
            return lines_below(at, value, file).map_or(Self::At(at), Self::Lines);
        }
        match written.find(value) {
            Some(offset) if !value.contains('\n') => {
                let before = written.get(..offset).unwrap_or_default();
                Self::Lines(vec![Position {
                    line: at.line,
                    column: at.column + before.chars().count(),
                }])
            }
            Some(_) | None => Self::At(at),
        }
    }

    /// A place of the text in the file.
    pub(super) fn outer(&self, at: Position) -> Position {
        match self {
            Self::Whole => at,
            Self::At(begin) => *begin,
            Self::Lines(begins) => {
                let Some(begin) = begins.get(at.line - 1).or(begins.last()) else {
                    return at;
                };
                Position {
                    line: begin.line,
                    column: begin.column + at.column - 1,
                }
            }
        }
    }
}

/// Where the lines of a literal block begin, whose header is at `header`.
fn lines_below(header: Position, value: &str, file: &str) -> Option<Vec<Position>> {
    let mut written = file.lines().skip(header.line);
    let begin = |(number, line): (usize, &str)| {
        let own = written.next().unwrap_or_default();
        let indent = own.strip_suffix(line)?;
        let column = if line.is_empty() {
            1
        } else {
            indent.chars().count() + 1
        };
        Some(Position {
            line: header.line + 1 + number,
            column,
        })
    };
    value.split('\n').enumerate().map(begin).collect()
}
