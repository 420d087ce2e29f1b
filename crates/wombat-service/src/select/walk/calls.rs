//! Mappings, and texts with mappings in them.

use wombat_model::catalog::{Component, ComponentKind};

use super::{
    super::{
        document::{NodeId, Position, Value},
        mapping::{self, Call},
    },
    Walk,
    words::quoted,
};
use crate::catalog::{nearest, or_nearest};

impl Walk<'_> {
    pub(super) fn mapping(&mut self, node: NodeId) {
        let Some(text) = self.documents.text(node) else {
            return;
        };
        let at = self.documents.node(node).at;
        self.calls(&mapping::calls(text), text, at);
    }

    /// Texts in which mappings may stand.
    pub(super) fn texts(&mut self, node: NodeId) {
        let at = self.documents.node(node).at;
        if !self.step(at) {
            return;
        }
        match &self.documents.node(node).value {
            Value::Scalar { text, .. } => self.calls(&mapping::interpolated(text), text, at),
            Value::List(items) => {
                for item in items {
                    self.texts(*item);
                }
            }
            Value::Map(entries) => {
                for (_, value) in entries {
                    self.texts(*value);
                }
            }
        }
    }

    fn calls(&mut self, calls: &[Call], text: &str, start: Position) {
        for call in calls {
            let at = place_of(&call.name, text, start);
            if self.schemas.component(call.kind, &call.name).is_some() {
                let component = Component {
                    kind: call.kind,
                    name: call.name.clone(),
                };
                self.found.components.entry(component).or_insert(at);
                continue;
            }
            let close = nearest(&call.name, self.schemas.names(call.kind));
            let what = match call.kind {
                ComponentKind::BloblangMethod => "method",
                _ => "function",
            };
            let message = format!(
                "The mapping language has no {what} {}{}",
                quoted(&call.name),
                or_nearest(&close)
            );
            self.mistake(at, message);
        }
    }
}

/// Where a name stands in a text that begins at `start`. Lines of a block stand below its beginning, at an indentation
/// that the parser has taken away, so there only the line is told.
fn place_of(name: &str, text: &str, start: Position) -> Position {
    let place = text.find(&format!("{name}(")).or_else(|| text.find(name));
    let Some(before) = place.map(|place| &text[..place]) else {
        return start;
    };
    let lines = before.matches('\n').count();
    if lines == 0 && !text.contains('\n') {
        return Position {
            column: start.column + before.chars().count(),
            ..start
        };
    }
    Position {
        line: start.line + lines,
        column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
    }
}
