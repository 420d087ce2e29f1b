//! YAML as a tree with positions.
//!
//! Nodes are in one list and refer to each other by number. An alias refers to its node, so that nothing is copied;
//! aliases of aliases can make the tree far larger than the text, so a walk must count its steps.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Most nodes of a text.
const MAX_NODES: usize = 50_000;
/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// A position in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
}

impl Position {
    fn of(span: Span) -> Self {
        Self {
            line: span.start.line(),
            column: span.start.col() + 1,
        }
    }
}

/// Number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

/// A node, and its position.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Value {
    Scalar {
        text: String,
        /// Written without quotes: it may be a number, a boolean or null.
        plain: bool,
    },
    List(Vec<NodeId>),
    Map(Vec<(NodeId, NodeId)>),
}

/// The documents of a text.
#[derive(Debug)]
pub(super) struct YamlDocuments {
    source: String,
    nodes: Vec<Node>,
    pub(super) roots: Vec<NodeId>,
}

/// The text isn't readable YAML.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) at: Position,
    pub(super) problem: String,
}

/// A list or map whose end hasn't been read yet.
struct OpenNode {
    id: NodeId,
    anchor: usize,
    /// A key that waits for its value.
    key: Option<NodeId>,
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    roots: Vec<NodeId>,
    open: Vec<OpenNode>,
    anchors: HashMap<usize, NodeId>,
}

impl YamlDocuments {
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let mut builder = Builder::default();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| Unreadable {
                at: Position {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                },
                problem: format!("The YAML can't be read here: {}.", error.info()),
            })?;
            builder.event(event, Position::of(span))?;
        }
        Ok(Self {
            source: text.to_owned(),
            nodes: builder.nodes,
            roots: builder.roots,
        })
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Position of a word of a scalar. `at` is its offset in the scalar's text, which differs from the source: lines of
    /// a block have lost their indentation, and folded ones their ends. But the word occurs before it equally often in
    /// both.
    pub(super) fn place_of(&self, id: NodeId, at: usize, word: &str) -> Position {
        let start = self.node(id).at;
        let before = self.text(id).and_then(|text| text.get(..at));
        let nth = before.map_or(0, |before| before.matches(word).count());
        let begin = self.offset(start);
        let mut found = self.source[begin..].match_indices(word);
        let Some((place, _)) = found.nth(nth) else {
            return start;
        };
        let until = &self.source[..begin + place];
        let line_begin = until.rfind('\n').map_or(0, |end| end + 1);
        Position {
            line: until.matches('\n').count() + 1,
            column: until[line_begin..].chars().count() + 1,
        }
    }

    /// Offset of a position in the source, in bytes.
    fn offset(&self, Position { line, column }: Position) -> usize {
        let mut lines = self.source.split_inclusive('\n');
        let before: usize = lines.by_ref().take(line - 1).map(str::len).sum();
        let own = lines.next().unwrap_or_default();
        let within: usize = own.chars().take(column - 1).map(char::len_utf8).sum();
        before + within
    }

    /// The text of a scalar.
    pub(super) fn text(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).value {
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value under this key.
    pub(super) fn get(&self, map: NodeId, key: &str) -> Option<NodeId> {
        let Value::Map(entries) = &self.node(map).value else {
            return None;
        };
        let entry = entries
            .iter()
            .find(|(name, _)| self.text(*name) == Some(key));
        entry.map(|(_, value)| *value)
    }
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), Unreadable> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = Value::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                };
                let id = self.add(at, value)?;
                self.name(anchor, id);
                self.place(id);
            }
            Event::SequenceStart(anchor, _) => self.begin(at, anchor, Value::List(Vec::new()))?,
            Event::MappingStart(anchor, _) => self.begin(at, anchor, Value::Map(Vec::new()))?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.name(open.anchor, open.id);
                    self.place(open.id);
                }
            }
            Event::Alias(anchor) => {
                // An incomplete node has no name yet, so no node contains itself.
                let id = self.anchors.get(&anchor).copied();
                let id = id.ok_or_else(|| Unreadable {
                    at,
                    problem: "This alias refers to no complete value before it.".to_owned(),
                })?;
                self.place(id);
            }
            Event::DocumentStart(_) => self.anchors.clear(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn add(&mut self, at: Position, value: Value) -> Result<NodeId, Unreadable> {
        if self.nodes.len() >= MAX_NODES || self.open.len() > MAX_DEPTH {
            return Err(Unreadable {
                at,
                problem: format!(
                    "A pipeline has at most {MAX_NODES} values, nested at most {MAX_DEPTH} deep."
                ),
            });
        }
        self.nodes.push(Node { at, value });
        Ok(NodeId(self.nodes.len() - 1))
    }

    fn begin(&mut self, at: Position, anchor: usize, value: Value) -> Result<(), Unreadable> {
        let id = self.add(at, value)?;
        self.open.push(OpenNode {
            id,
            anchor,
            key: None,
        });
        Ok(())
    }

    fn name(&mut self, anchor: usize, id: NodeId) {
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
    }

    /// Adds a complete node to its parent.
    fn place(&mut self, id: NodeId) {
        let Some(open) = self.open.last_mut() else {
            self.roots.push(id);
            return;
        };
        match &mut self.nodes[open.id.0].value {
            Value::List(items) => items.push(id),
            Value::Map(entries) => match open.key.take() {
                Some(key) => entries.push((key, id)),
                None => open.key = Some(id),
            },
            Value::Scalar { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_knows_where_it_stands() {
        let documents = YamlDocuments::read("a:\n  - b: 1\n---\nc: \"2\"\n").unwrap();
        assert_eq!(documents.roots.len(), 2);
        let list = documents.get(documents.roots[0], "a").unwrap();
        let Value::List(items) = &documents.node(list).value else {
            panic!("a list");
        };
        let value = documents.get(items[0], "b").unwrap();
        assert_eq!(documents.text(value), Some("1"));
        assert_eq!(documents.node(value).at, Position { line: 2, column: 8 });
        let quoted = documents.get(documents.roots[1], "c").unwrap();
        assert!(matches!(
            documents.node(quoted).value,
            Value::Scalar { plain: false, .. }
        ));
    }

    #[test]
    fn words_of_scalars_are_found_as_they_were_written() {
        let place = |source: &str, word: &str| {
            let documents = YamlDocuments::read(source).unwrap();
            let value = documents.get(documents.roots[0], "a").unwrap();
            let at = documents.text(value).unwrap().rfind(word).unwrap();
            let Position { line, column } = documents.place_of(value, at, word);
            (line, column)
        };
        assert_eq!(place("a: x y\n", "y"), (1, 6));
        assert_eq!(place("é: 1\na: \"é y\"\n", "y"), (2, 7));
        assert_eq!(place("a: |\n    x\n      y x\n", "x"), (3, 9));
        assert_eq!(place("a: >\n  x\n  x\n\n  x y\n", "y"), (5, 5));
        assert_eq!(place("x: x\na: \n  x\n", "x"), (3, 3));
    }

    #[test]
    fn aliases_copy_nothing() {
        let bomb: String = std::iter::once("a0: &a0 [x, x]\n".to_owned())
            .chain((1..60).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)))
            .collect();
        let documents = YamlDocuments::read(&bomb).unwrap();
        assert!(documents.nodes.len() < 200);
        let own = YamlDocuments::read("a: &a [*a]").unwrap_err();
        assert_eq!(own.at, Position { line: 1, column: 8 });
    }

    #[test]
    fn what_cant_be_read_is_said_with_its_place() {
        assert!(YamlDocuments::read("a: [1").unwrap_err().at.line > 0);
        assert_eq!(YamlDocuments::read("a: 1\n b: 2").unwrap_err().at.line, 2);
        let deep = YamlDocuments::read(&"[".repeat(100)).unwrap_err();
        assert!(deep.problem.contains("nested"), "{}", deep.problem);
        assert!(YamlDocuments::read(&"[".repeat(60_000)).is_err());
    }
}
