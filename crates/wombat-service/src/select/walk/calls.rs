//! Mappings, and texts with mappings in them.

use std::collections::BTreeSet;

use wombat_model::catalog::Component;

use super::{
    super::{
        document::{NodeId, Value},
        mapping::{self, Call},
    },
    Walk,
    words::Shown,
};

impl Walk<'_> {
    pub(super) fn mapping(&mut self, node: NodeId) {
        let Some(text) = self.documents.text(node) else {
            return;
        };
        if self.documents.is_unknown(node) {
            return self.decided_by(node);
        }
        self.calls(&mapping::calls(text), node);
        self.imports(&mapping::imports(text), node);
    }

    /// Texts that may contain mappings.
    pub(super) fn texts(&mut self, node: NodeId) {
        self.within(node, |walk| match walk.documents.value(node) {
            Value::Scalar { text, .. } => walk.calls(&mapping::interpolated(text), node),
            Value::List(items) => {
                for item in items {
                    walk.texts(*item);
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    walk.texts(entry.value);
                }
            }
        });
    }

    fn calls(&mut self, calls: &[Call], node: NodeId) {
        let source = self.documents.source();
        let mut open: BTreeSet<&str> = self
            .documents
            .uses(node)
            .iter()
            .map(|used| self.uses.all[used.0].name.as_str())
            .collect();
        for call in calls {
            // A part of the name isn't known.
            if self.documents.has_unknown(&call.name) {
                continue;
            }
            let component = Component {
                kind: call.kind,
                name: call.name.clone(),
            };
            open.retain(|name| !self.found.deciding.contains(*name));
            let is_known = self.schemas.component(call.kind, &call.name).is_some();
            let is_reported = if is_known {
                open.is_empty() && self.found.components.contains_key(&component)
            } else {
                !self.may_report() || !self.may_warn()
            };
            if is_reported {
                continue;
            }
            let range = self.documents.range_of(node, call.at, &call.name);
            let at = source.position(range.start);
            let uses = source.uses_in(&range);
            if is_known {
                self.found.components.entry(component).or_insert(at);
                self.decided(&uses);
                continue;
            }
            let written = source.source_text(source.source_range(&range));
            let shown = Shown::new(&call.name, self.holds_given(&uses).then_some(written));
            self.no_such(call.kind, &shown, at);
        }
    }
}
