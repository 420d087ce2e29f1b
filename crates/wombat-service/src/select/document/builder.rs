//! Makes nodes from events.

use std::{collections::HashMap, ops::Range};

use libyaml_safer::{EventData, MappingStyle, ScalarStyle, SequenceStyle};

use super::{Entry, MAX_DEPTH, Node, NodeId, Value, dialect, failure::Failure, prepare::Prepared};

/// Most nodes of a text.
const MAX_NODES: usize = 50_000;

/// A list or map whose end hasn't been read yet.
struct OpenNode {
    id: NodeId,
    anchor: Option<String>,
    /// A key that waits for its value.
    key: Option<NodeId>,
    /// It is within `[…]` or `{…}`.
    is_flow: bool,
}

/// The nodes so far.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) nodes: Vec<Node>,
    pub(super) roots: Vec<NodeId>,
    open: Vec<OpenNode>,
    anchors: HashMap<String, NodeId>,
}

impl Builder {
    /// Adds an event, whose range in the text is `at`.
    pub(super) fn event(
        &mut self,
        event: EventData,
        at: Range<usize>,
        prepared: &Prepared,
    ) -> Result<(), Failure> {
        let is_flow = self.open.last().is_some_and(|open| open.is_flow);
        dialect::check(&event, &at, is_flow, prepared)?;
        match event {
            EventData::Scalar {
                anchor,
                value,
                style,
                ..
            } => {
                let value = Value::Scalar {
                    text: prepared.as_written(value),
                    plain: style == ScalarStyle::Plain,
                };
                let id = self.add(at, value)?;
                self.name(anchor, id);
                self.place(id, false);
            }
            EventData::SequenceStart { anchor, style, .. } => {
                let is_flow = is_flow || style == SequenceStyle::Flow;
                self.begin(at, anchor, is_flow, Value::List(Vec::new()))?;
            }
            EventData::MappingStart { anchor, style, .. } => {
                let is_flow = is_flow || style == MappingStyle::Flow;
                self.begin(at, anchor, is_flow, Value::Map(Vec::new()))?;
            }
            EventData::SequenceEnd | EventData::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let node = &mut self.nodes[open.id.0];
                    node.range.end = node.range.end.max(at.end);
                    self.name(open.anchor, open.id);
                    self.place(open.id, false);
                }
            }
            EventData::Alias { anchor } => {
                // An incomplete node has no name yet, so no node contains itself.
                let id = self.anchors.get(&anchor).copied();
                let id = id.ok_or_else(|| {
                    let problem = "This alias refers to no complete value before it.";
                    Failure::new(at.start, problem)
                })?;
                self.place(id, true);
            }
            EventData::DocumentStart { .. } => self.anchors.clear(),
            EventData::StreamStart { .. }
            | EventData::StreamEnd
            | EventData::DocumentEnd { .. } => {}
        }
        Ok(())
    }

    fn add(&mut self, range: Range<usize>, value: Value) -> Result<NodeId, Failure> {
        if self.nodes.len() >= MAX_NODES {
            let problem = format!("A pipeline has at most {MAX_NODES} values.");
            return Err(Failure::new(range.start, problem));
        }
        if self.open.len() > MAX_DEPTH {
            let problem = format!("Values are nested at most {MAX_DEPTH} deep.");
            return Err(Failure::new(range.start, problem));
        }
        self.nodes.push(Node { range, value });
        Ok(NodeId(self.nodes.len() - 1))
    }

    fn begin(
        &mut self,
        at: Range<usize>,
        anchor: Option<String>,
        is_flow: bool,
        value: Value,
    ) -> Result<(), Failure> {
        let id = self.add(at, value)?;
        self.open.push(OpenNode {
            id,
            anchor,
            key: None,
            is_flow,
        });
        Ok(())
    }

    fn name(&mut self, anchor: Option<String>, id: NodeId) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
    }

    /// Adds a complete node to its parent.
    fn place(&mut self, id: NodeId, by_alias: bool) {
        let Some(open) = self.open.last_mut() else {
            self.roots.push(id);
            return;
        };
        match &mut self.nodes[open.id.0].value {
            Value::List(items) => items.push(id),
            Value::Map(entries) => match open.key.take() {
                Some(key) => entries.push(Entry {
                    key,
                    value: id,
                    by_alias,
                }),
                None => open.key = Some(id),
            },
            Value::Scalar { .. } => {}
        }
    }
}
