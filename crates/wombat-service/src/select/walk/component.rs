//! A component: its name, the keys beside it, and its configuration.

use std::sync::LazyLock;

use wombat_model::catalog::{Component, ComponentKind, Field, FieldShape};

use super::{
    super::{
        document::{NodeId, Position, Value},
        rules,
    },
    Walk, is_nothing,
    words::{a, example, quoted, word},
};
use crate::catalog::{nearest, or_nearest};

/// The `processors` beside the name of an input or output.
static PROCESSORS: LazyLock<Field> = LazyLock::new(|| Field {
    of: "processor".to_owned(),
    shape: FieldShape::Array,
    ..Field::default()
});
/// Keys beside the name of a component.
const RESERVED: [&str; 4] = ["label", "type", "plugin", "processors"];

impl Walk<'_> {
    pub(super) fn component(&mut self, node: NodeId, kind: ComponentKind) {
        let documents = self.documents;
        let at = documents.node(node).at;
        let Value::Map(entries) = &documents.node(node).value else {
            if !is_nothing(&documents.node(node).value) && !is_variable(documents.text(node)) {
                let message = format!(
                    "Expected {} here, for example `{}: …`.",
                    a(kind),
                    example(kind)
                );
                self.mistake(at, message);
            }
            return;
        };
        let mut named = Vec::new();
        for (key, value) in entries {
            let key_at = documents.node(*key).at;
            match documents.text(*key) {
                Some("processors") if has_processors(kind) => {
                    self.value(*value, &PROCESSORS, "processors");
                }
                // The mapping of metric names; a key beside the exporter.
                Some("mapping") if kind == ComponentKind::Metric => self.mapping(*value),
                Some("type") => {
                    if let Some(name) = documents.text(*value) {
                        named.push((name, documents.node(*value).at, None));
                    }
                }
                Some(name) if !RESERVED.contains(&name) => named.push((name, key_at, Some(*value))),
                Some(_) | None => {}
            }
        }
        let known = |name: &str| self.schemas.component(kind, name).is_some();
        if named.len() > 1 && named.iter().any(|(name, ..)| known(name)) {
            // The other keys are mistakes; they mustn't hide the known component.
            let (kept, others): (Vec<_>, Vec<_>) =
                named.iter().copied().partition(|(name, ..)| known(name));
            for (name, at, _) in others {
                let message = format!(
                    "{} stands beside {}, which is {}; one component has one name.",
                    quoted(name),
                    quoted(kept[0].0),
                    a(kind)
                );
                self.mistake(at, message);
            }
            named = kept;
        }
        if named.is_empty() {
            let message = format!(
                "No {} is named here, such as `{}`.",
                word(kind),
                example(kind)
            );
            self.mistake(at, message);
        }
        for (name, at, config) in named {
            self.named(kind, name, at, config);
        }
    }

    /// Checks a named component and its configuration.
    fn named(&mut self, kind: ComponentKind, name: &str, at: Position, config: Option<NodeId>) {
        let component = Component {
            kind,
            name: name.to_owned(),
        };
        if self.templates.contains(&component) {
            return;
        }
        let schemas = self.schemas;
        let Some(documentation) = schemas.component(kind, name) else {
            let close = nearest(name, schemas.names(kind));
            let other = schemas.kinds_of(name);
            let message = match other.as_slice() {
                [] => format!(
                    "There is no {} {}{}",
                    word(kind),
                    quoted(name),
                    or_nearest(&close)
                ),
                [first, ..] => format!(
                    "`{name}` is {}, not {}{}",
                    a(*first),
                    a(kind),
                    or_nearest(&close)
                ),
            };
            self.mistake(at, message);
            return;
        };
        for rule in rules::of(&component, config, self.documents) {
            self.found.rules.entry(rule).or_insert(at);
        }
        self.found.components.entry(component).or_insert(at);
        if let (Some(config), Some(field)) = (config, &documentation.config) {
            self.value(config, field, name);
        }
    }
}

fn has_processors(kind: ComponentKind) -> bool {
    matches!(kind, ComponentKind::Input | ComponentKind::Output)
}

/// Whether the value comes from the environment, which isn't known here.
fn is_variable(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.contains("${"))
}
