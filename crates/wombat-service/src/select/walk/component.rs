//! A component: its name, the keys beside it, and its configuration.

use std::sync::LazyLock;

use wombat_model::catalog::{Component, ComponentKind, Field, FieldShape};

use super::{
    super::{
        document::{Entry, NodeId, Value},
        rules,
        text::Position,
    },
    Walk,
    block::Block,
    words::{a, example, word},
};
use crate::catalog::not_offered;

/// The `processors` beside the name of an input or output.
static PROCESSORS: LazyLock<Field> = LazyLock::new(|| Field {
    of: "processor".to_owned(),
    shape: FieldShape::Array,
    ..Field::default()
});

impl Walk<'_> {
    pub(super) fn component(&mut self, node: NodeId, kind: ComponentKind) {
        let documents = self.documents;
        let Value::Map(entries) = documents.value(node) else {
            if documents.is_partly_unknown(node) {
                self.decided_by(node);
            } else {
                self.no_component(node, kind);
            }
            return;
        };
        for entry in entries {
            self.decided_by(entry.key);
        }
        let block = Block::of(entries, kind, documents);
        match block.type_name {
            Some(name) => self.typed(kind, name, &block),
            None => self.inferred(kind, node, &block),
        }
        self.reserved(node, &block);
    }

    /// What stands where a component belongs. Below components, lint doesn't see it.
    fn no_component(&mut self, node: NodeId, kind: ComponentKind) {
        let message = format!(
            "Expected {} here, for example `{}: …`.",
            a(kind),
            example(kind)
        );
        let is_seen = match self.documents.value(node) {
            Value::List(items) => !items.is_empty(),
            Value::Scalar { .. } | Value::Map(_) => false,
        };
        if self.is_direct || is_seen {
            self.mistake_at(node, message);
        } else {
            self.accepted_by_lint(node, &message);
        }
    }

    /// The keys beside the name of a component.
    fn reserved(&mut self, node: NodeId, block: &Block) {
        let documents = self.documents;
        let is_map = |node: NodeId| {
            matches!(documents.value(node), Value::Map(_)) || documents.is_unknown(node)
        };
        if let Some(label) = block.label {
            let is_text = |key: &str, fits: &dyn Fn(&str) -> bool| {
                let value = documents.get(node, key);
                value
                    .and_then(|value| documents.text(value))
                    .is_some_and(fits)
            };
            let is_reference = is_text("type", &|text| text == "resource")
                || is_text("resource", &|text| !text.is_empty());
            self.label(label, is_reference);
        }
        if let Some(processors) = block.processors {
            if matches!(documents.value(processors), Value::List(items) if items.is_empty()) {
                self.lint(processors, "`processors` is empty; leave it out.");
            }
            self.value(processors, &PROCESSORS, "processors");
        }
        if let Some(mapping) = block.mapping {
            if documents.text(mapping).is_some() {
                self.mapping(mapping);
            } else {
                self.mistake_at(mapping, "`mapping` must be a text.");
            }
        }
        for (name, value) in [("meta", block.meta), ("plugin", block.plugin)] {
            if let Some(value) = value.filter(|value| !is_map(*value)) {
                self.lint(value, format!("`{name}` must be a map of names to values."));
            }
        }
    }

    /// A component whose name is the value of `type`.
    fn typed(&mut self, kind: ComponentKind, name: NodeId, block: &Block) {
        self.decided_by(name);
        if self.documents.is_partly_unknown(name) {
            return;
        }
        let Some(text) = self.documents.text(name) else {
            return self.mistake_at(name, "`type` must be the name of a component.");
        };
        if text.is_empty() {
            return self.unnamed(kind, name);
        }
        let is_own = |entry: &&Entry| self.documents.text(entry.key) == Some(text);
        let (own, others): (Vec<&Entry>, Vec<&Entry>) = block.named.iter().partition(is_own);
        let config = own.first().map(|entry| entry.value).or(block.plugin);
        if let (Some(_), Some(plugin)) = (own.first(), block.plugin) {
            self.idle_plugin(plugin);
        }
        self.beside(kind, name, &others, &block.merges);
        self.named(kind, name, config);
    }

    /// A component whose name is a key.
    fn inferred(&mut self, kind: ComponentKind, node: NodeId, block: &Block) {
        let (known, others): (Vec<&Entry>, Vec<&Entry>) = block
            .named
            .iter()
            .partition(|entry| self.is_known(kind, entry.key));
        match known.as_slice() {
            [only] => {
                if let Some(plugin) = block.plugin {
                    self.idle_plugin(plugin);
                }
                self.beside(kind, only.key, &others, &block.merges);
                self.named(kind, only.key, Some(only.value));
            }
            [first, second, ..] => {
                let message = format!(
                    "{} stands beside {}: one component has one name. Keep one of them, or name it with `type`.",
                    self.shown(second.key).quoted(),
                    self.shown(first.key).quoted()
                );
                self.mistake_at(second.key, message);
            }
            // A key that isn't known may be the name.
            [] if !block.open.is_empty() => {}
            [] if others.is_empty() => self.nameless(kind, node, block),
            [] => {
                for entry in others {
                    self.named(kind, entry.key, Some(entry.value));
                }
            }
        }
    }

    fn idle_plugin(&mut self, plugin: NodeId) {
        self.lint(
            plugin,
            "`plugin` has no effect beside a configuration under the component's name.",
        );
    }

    fn is_known(&self, kind: ComponentKind, key: NodeId) -> bool {
        self.documents.text(key).is_some_and(|name| {
            let name = name.to_owned();
            self.schemas.component(kind, &name).is_some()
                || self.templates.config(&Component { kind, name }).is_some()
        })
    }

    /// Keys beside a name are mistakes; they mustn't hide the component. Without lint they are ignored.
    fn beside(&mut self, kind: ComponentKind, name: NodeId, others: &[&Entry], merges: &[Entry]) {
        for merge in merges {
            self.merged(merge);
        }
        if !self.is_linted {
            return;
        }
        for entry in others {
            let message = format!(
                "{} stands beside {}, which is {}; one component has one name.",
                self.shown(entry.key).quoted(),
                self.shown(name).quoted(),
                a(kind)
            );
            self.mistake_at(entry.key, message);
        }
    }

    fn merged(&mut self, merge: &Entry) {
        let message = "`<<` isn't merged into a component; write its keys out.";
        if self.is_linted {
            self.mistake_at(merge.key, message);
        } else {
            self.warn_at(merge.key, message);
        }
    }

    /// A component without a name. What `<<` would bring is looked at, because it is needed once it is written out.
    fn nameless(&mut self, kind: ComponentKind, node: NodeId, block: &Block) {
        if block.merges.is_empty() {
            let is_empty =
                matches!(self.documents.value(node), Value::Map(entries) if entries.is_empty());
            if is_empty && !self.is_direct {
                let message = no_name(kind);
                return self.accepted_by_lint(node, &message);
            }
            return self.unnamed(kind, node);
        }
        for merge in &block.merges {
            self.mistake_at(
                merge.key,
                "`<<` isn't merged into a component; write its keys out.",
            );
            if matches!(self.documents.value(merge.value), Value::Map(_)) {
                self.within(merge.value, |walk| walk.component(merge.value, kind));
            }
        }
    }

    fn unnamed(&mut self, kind: ComponentKind, node: NodeId) {
        self.mistake_at(node, no_name(kind));
    }

    /// Checks a named component and its configuration. The name is a key, or the value of `type`.
    fn named(&mut self, kind: ComponentKind, name_at: NodeId, config: Option<NodeId>) {
        let documents = self.documents;
        let name = documents.text(name_at).unwrap_or_default();
        let component = Component {
            kind,
            name: name.to_owned(),
        };
        let at = documents.position(name_at);
        let shown = self.shown(name_at).text();
        if let Some(field) = self.templates.config(&component) {
            return self.configuration(config, field, &shown);
        }
        let schemas = self.schemas;
        let Some(documentation) = schemas.component(kind, name) else {
            if self.may_report() {
                self.no_such(kind, &self.shown(name_at), at);
            }
            return;
        };
        if kind == ComponentKind::Processor && name == "catch" {
            self.catches.push(name_at);
        }
        self.takes(component, at, config);
        if let Some(field) = &documentation.config {
            self.configuration(config, field, &shown);
        }
    }

    fn configuration(&mut self, config: Option<NodeId>, field: &Field, shown: &str) {
        if let Some(config) = config {
            let was_direct = std::mem::replace(&mut self.is_direct, false);
            self.value(config, field, shown);
            self.is_direct = was_direct;
        }
    }

    /// Notes a component of the catalog, and what it needs besides.
    pub(super) fn takes(&mut self, component: Component, at: Position, config: Option<NodeId>) {
        let applied = rules::about(&component, config, self.documents, self.schemas);
        for node in applied.decided_by {
            self.decided_by(node);
        }
        for rule in applied.rules {
            self.found.rules.entry(rule).or_insert(at);
        }
        for (driver, at) in applied.drivers {
            let at = self.documents.position(at);
            self.found.components.entry(driver).or_insert(at);
        }
        if let Some(caution) = not_offered::caution(&component) {
            self.warn(at, caution);
        }
        self.found.components.entry(component).or_insert(at);
    }
}

fn no_name(kind: ComponentKind) -> String {
    let (word, example) = (word(kind), example(kind));
    format!("No {word} is named here, such as `{example}`.")
}
