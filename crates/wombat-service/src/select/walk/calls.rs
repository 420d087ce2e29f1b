//! Mappings, and texts with mappings in them.

use wombat_model::catalog::{Component, ComponentKind};

use super::{
    super::{
        document::{NodeId, Value},
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
        self.calls(&mapping::calls(text), node);
    }

    /// Texts that may contain mappings.
    pub(super) fn texts(&mut self, node: NodeId) {
        let at = self.documents.node(node).at;
        if !self.step(at) {
            return;
        }
        match &self.documents.node(node).value {
            Value::Scalar { text, .. } => self.calls(&mapping::interpolated(text), node),
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

    fn calls(&mut self, calls: &[Call], node: NodeId) {
        for call in calls {
            let at = self.documents.place_of(node, call.at, &call.name);
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
