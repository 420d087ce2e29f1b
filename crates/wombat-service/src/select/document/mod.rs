//! YAML as yaml.v3 reads it, which Benthos uses: a tree whose nodes know their range in the text.
//!
//! Nodes are in one list and refer to each other by number. An alias refers to its node, so that nothing is copied;
//! aliases of aliases can make the tree far larger than the text, so a walk must count its steps.
//!
//! *reader*: parses a text · *prepare*: what is checked and changed before that · *dialect*: what yaml.v3 refuses ·
//! *builder*: nodes from events · *scalar*: values of scalars.

mod builder;
mod dialect;
mod failure;
mod prepare;
mod reader;
mod scalar;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::text::{Position, Text, UseId};
#[cfg(test)]
pub(super) use failure::PANICKED;
pub(super) use reader::Effort;
pub(super) use scalar::{is_null, is_true};

/// Deepest nesting.
pub(super) const MAX_DEPTH: usize = 256;

/// Number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

/// A node, and its range in the text.
struct Node {
    range: Range<usize>,
    value: Value,
}

/// What a node holds.
pub(super) enum Value {
    Scalar {
        text: String,
        /// Written without quotes: it may be a number, a boolean or null.
        plain: bool,
    },
    List(Vec<NodeId>),
    Map(Vec<Entry>),
}

/// An entry of a map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: NodeId,
    pub(super) value: NodeId,
    /// The value is an alias.
    pub(super) by_alias: bool,
}

/// The documents of a text.
pub(super) struct YamlDocuments {
    text: Text,
    nodes: Vec<Node>,
    pub(super) roots: Vec<NodeId>,
    placeholder: char,
}

/// The text isn't readable YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) at: Position,
    /// The variable whose value stands there.
    pub(super) used: Option<UseId>,
    pub(super) problem: String,
}

impl YamlDocuments {
    /// A text that is no YAML, as one value.
    pub(super) fn of_text(file: &str, placeholder: char) -> Self {
        let mut text = Text::from_parts_of(file);
        text.copy(0..file.len());
        Self {
            text,
            nodes: vec![Node {
                range: 0..file.len(),
                value: Value::Scalar {
                    text: file.to_owned(),
                    plain: false,
                },
            }],
            roots: vec![NodeId(0)],
            placeholder,
        }
    }

    /// All nodes.
    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    pub(super) fn value(&self, id: NodeId) -> &Value {
        &self.nodes[id.0].value
    }

    pub(super) fn position(&self, id: NodeId) -> Position {
        self.text.position(self.nodes[id.0].range.start)
    }

    /// The text that was parsed.
    pub(super) fn source(&self) -> &Text {
        &self.text
    }

    /// The variables whose values are part of a scalar.
    pub(super) fn uses(&self, id: NodeId) -> Vec<UseId> {
        self.text.uses_in(&self.nodes[id.0].range)
    }

    /// A scalar as it is written.
    pub(super) fn written(&self, id: NodeId) -> &str {
        let range = self.text.source_range(&self.nodes[id.0].range);
        self.text.source_text(range)
    }

    /// Whether a part of a scalar isn't known.
    pub(super) fn is_partly_unknown(&self, id: NodeId) -> bool {
        self.text(id)
            .is_some_and(|text| text.contains(self.placeholder))
    }

    /// Whether nothing of a node is known: a variable stands for all of it.
    pub(super) fn is_unknown(&self, id: NodeId) -> bool {
        let only_open =
            |text: &str| !text.is_empty() && text.chars().all(|it| it == self.placeholder);
        match self.value(id) {
            Value::Scalar { text, .. } => only_open(text),
            Value::Map(entries) => {
                let is_open = |entry: &Entry| {
                    self.text(entry.key).is_some_and(only_open) && is_null(self.value(entry.value))
                };
                !entries.is_empty() && entries.iter().all(is_open)
            }
            Value::List(_) => false,
        }
    }

    /// Whether a word has an unknown part.
    pub(super) fn has_unknown(&self, word: &str) -> bool {
        word.contains(self.placeholder)
    }

    /// Range of a word of a scalar. `at` is its offset in the scalar's value, which differs from the text: lines of a
    /// block have lost their indentation, and folded ones their ends. But the word occurs before it equally often in
    /// both.
    pub(super) fn range_of(&self, id: NodeId, at: usize, word: &str) -> Range<usize> {
        let node = &self.nodes[id.0].range;
        let before = self.text(id).and_then(|text| text.get(..at));
        let nth = before.map_or(0, |before| before.matches(word).count());
        let own = self.text.as_str().get(node.clone()).unwrap_or_default();
        let Some((place, _)) = own.match_indices(word).nth(nth) else {
            return node.clone();
        };
        let start = node.start + place;
        start..start + word.len()
    }

    /// The value of a scalar.
    pub(super) fn text(&self, id: NodeId) -> Option<&str> {
        match self.value(id) {
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether an entry merges the fields of another map.
    pub(super) fn is_merge(&self, entry: &Entry) -> bool {
        matches!(self.value(entry.key), Value::Scalar { text, plain: true } if text == "<<")
    }

    /// The value under this key.
    pub(super) fn get(&self, map: NodeId, key: &str) -> Option<NodeId> {
        let Value::Map(entries) = self.value(map) else {
            return None;
        };
        let entry = entries
            .iter()
            .find(|entry| self.text(entry.key) == Some(key));
        entry.map(|entry| entry.value)
    }
}
