//! Mappings, and texts with mappings in them.

use std::collections::BTreeSet;

use wombat_model::catalog::Component;

use super::{
    super::{
        bloblang::Unreadable,
        document::{NodeId, Value, is_null},
        mapping::{self, Call},
        text::Position,
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
        let is_wrong = self.calls(&mapping::calls(text), node);
        self.imports(&mapping::imports(text), node);
        if !is_wrong && !is_null(self.documents.value(node)) {
            let read = self.grammar.mapping(text);
            self.unreadable(node, read);
        }
    }

    /// A mapping that Benthos can't read either; one with unknown parts may turn out to be readable.
    fn unreadable(&mut self, node: NodeId, read: Result<(), Unreadable>) {
        let documents = self.documents;
        let (Err(Unreadable { at, problem }), false) = (read, documents.is_partly_unknown(node))
        else {
            return;
        };
        if !self.may_report() {
            return;
        }
        let place = self.place_in(node, at);
        let uses = documents.uses(node);
        let problem = if self.holds_given(&uses) {
            // The message may name a part of the value.
            "The mapping can't be read.".to_owned()
        } else {
            problem
        };
        self.mistake(place, problem);
    }

    /// The place of an offset of a scalar: of the word that begins there, or the end of the word before.
    fn place_in(&self, node: NodeId, at: usize) -> Position {
        let documents = self.documents;
        let text = documents.text(node).unwrap_or_default();
        let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let source = documents.source();
        let first = rest.split_whitespace().next().unwrap_or_default();
        if !first.is_empty() && rest.starts_with(first) {
            return source.position(documents.range_of(node, at, first).start);
        }
        let before = before.trim_end();
        let last = before.split_whitespace().next_back().unwrap_or_default();
        let range = documents.range_of(node, before.len() - last.len(), last);
        if last.is_empty() || range.len() != last.len() {
            return documents.position(node);
        }
        source.position(range.end)
    }

    /// Texts that may contain mappings.
    pub(super) fn texts(&mut self, node: NodeId) {
        self.within(node, |walk| match walk.documents.value(node) {
            Value::Scalar { text, .. } => {
                if !walk.calls(&mapping::interpolated(text), node) {
                    let read = walk.grammar.interpolated(text);
                    walk.unreadable(node, read);
                }
            }
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

    /// Notes what is called; whether something that doesn't exist is.
    fn calls(&mut self, calls: &[Call], node: NodeId) -> bool {
        if calls.is_empty() {
            return false;
        }
        let mut is_wrong = false;
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
            is_wrong |= !is_known;
            let is_reported = if is_known {
                let is_new = !self.found.components.contains_key(&component);
                !is_new && (open.is_empty() || *self.looks_left == 0)
            } else {
                !self.may_report() || !self.may_warn()
            };
            if is_reported {
                continue;
            }
            *self.looks_left = self.looks_left.saturating_sub(1);
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
        is_wrong
    }
}
