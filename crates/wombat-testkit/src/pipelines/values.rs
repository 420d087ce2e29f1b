//! Values of fields, and components.

use wombat_model::catalog::{Component, ComponentKind, Documentation, Field, FieldShape};

use super::{
    maker::Maker,
    mappings,
    rules::{self, Use},
    tree::{Entry, MapRole, Node, ScalarRole},
};

/// Deepest place at which any component may stand.
const DEEP: usize = 3;
/// Texts without a meaning; many of them need quotes.
const TEXTS: [&str; 30] = [
    "foo",
    "bar_baz",
    "some words in a row",
    "nats://localhost:4222",
    "a,b",
    "5m",
    "1",
    "1.5e3",
    "yes",
    "null",
    "~",
    "a: b",
    "a #b",
    "#c",
    "it's",
    "say \"x\"",
    "[x]",
    "{x: y}",
    "- z",
    "? k",
    "*x",
    "&x",
    "!t",
    "%y",
    "@z",
    "`q`",
    "é",
    "x\ty",
    "two\nlines\n",
    "back\\slash",
];

impl Maker<'_> {
    /// Some component of a kind.
    pub(super) fn any(&mut self, kind: ComponentKind, depth: usize, direct: bool) -> Node {
        let simple = self.catalog.simple(kind);
        let all = self.catalog.of_kind(kind);
        let is_any = depth < DEEP && self.budget > 20 && self.random.chance(40);
        let from = if is_any || simple.is_empty() {
            &all
        } else {
            &simple
        };
        let documentation = *self.random.pick(from);
        self.component(documentation, depth, direct)
    }

    /// A component.
    pub(super) fn component(
        &mut self,
        documentation: &Documentation,
        depth: usize,
        direct: bool,
    ) -> Node {
        use ComponentKind::{Cache, Input, Output, Processor, RateLimit};

        let kind = documentation.kind;
        self.found.insert(documentation.component());
        let mut entries = Vec::new();
        let may_have_label = matches!(kind, Input | Output | Processor | Cache | RateLimit);
        if may_have_label && documentation.name != "resource" && self.random.chance(10) {
            entries.push(self.label());
        }
        let name = documentation.name.clone();
        let config = documentation.config.as_ref();
        let config = config.map(|field| self.config(field, &documentation.component(), depth));
        // `plugin` is a map in any case.
        let is_map = documentation
            .config
            .as_ref()
            .is_some_and(|field| field.shape == FieldShape::Scalar && field.of == "object");
        match self.random.below(12) {
            0 if is_map => {
                entries.push(Entry::new("type", Node::text(&name, ScalarRole::Name)));
                entries.extend(config.map(|config| Entry::new("plugin", config)));
            }
            1 => {
                entries.push(Entry::new("type", Node::text(&name, ScalarRole::Name)));
                entries.extend(config.map(|config| Entry::new(name, config)));
            }
            _ => entries.extend(config.map(|config| Entry::new(name, config))),
        }
        if matches!(kind, Input | Output) && self.random.chance(8) {
            let processor = self.any(Processor, depth + 1, direct);
            entries.push(Entry::new("processors", Node::list(vec![processor])));
        }
        Node::map(MapRole::Component { kind, direct }, entries)
    }

    fn config(&mut self, field: &Field, component: &Component, depth: usize) -> Node {
        self.value(field, &component.to_string(), depth)
    }

    /// The value of a field. `path`: its component and the fields that lead to it.
    pub(super) fn value(&mut self, field: &Field, path: &str, depth: usize) -> Node {
        self.budget = self.budget.saturating_sub(1);
        match field.shape {
            FieldShape::Scalar => self.single(field, path, depth),
            FieldShape::Array => {
                let items = self.several(field, path, depth);
                Node::list(items)
            }
            FieldShape::TwoDimensions => {
                let lists = (0..=self.random.below(2))
                    .map(|_| Node::list(self.several(field, path, depth)))
                    .collect();
                Node::list(lists)
            }
            FieldShape::Map => {
                let names = ["first", "second_name", "third"];
                let entries = names[..=self.random.below(2)]
                    .iter()
                    .map(|name| Entry::new(*name, self.single(field, path, depth)))
                    .collect();
                Node::map(MapRole::Names, entries)
            }
        }
    }

    fn several(&mut self, field: &Field, path: &str, depth: usize) -> Vec<Node> {
        (0..=self.random.below(2))
            .map(|_| self.single(field, path, depth))
            .collect()
    }

    fn single(&mut self, field: &Field, path: &str, depth: usize) -> Node {
        if let Some(text) = rules::value(path) {
            return Node::text(text, ScalarRole::Free);
        }
        if let Some(kind) = field.kind() {
            // A `try` in a `catch` is against a rule.
            let depth = if path == "processor/catch" {
                DEEP
            } else {
                depth
            };
            return self.any(kind, depth + 1, false);
        }
        if field.bloblang {
            let mapping = mappings::small(self);
            return Node::text(mapping, ScalarRole::Mapping);
        }
        if !field.children.is_empty() {
            return self.fields(&field.children, path, depth);
        }
        match field.of.as_str() {
            "bool" => Node::plain(*self.random.pick(&["true", "false"]), ScalarRole::Value),
            "int" | "float" => {
                let number = field.default.as_ref().and_then(serde_json::Value::as_f64);
                match number {
                    Some(number) if self.random.chance(50) => {
                        Node::plain(number.to_string(), ScalarRole::Value)
                    }
                    _ => Node::plain("1", ScalarRole::Value),
                }
            }
            "object" => Node::map(MapRole::Names, vec![Entry::new("key", self.anything(0))]),
            "unknown" => self.anything(0),
            _ => self.text(field),
        }
    }

    fn text(&mut self, field: &Field) -> Node {
        if !field.options.is_empty() {
            let option = self.random.pick(&field.options);
            let role = if field.only_options {
                ScalarRole::Option
            } else {
                ScalarRole::Value
            };
            return Node::text(option, role);
        }
        if field.interpolated && self.random.chance(40) {
            let text = mappings::interpolation(self);
            return Node::text(text, ScalarRole::Interpolated);
        }
        let default = field.default.as_ref().and_then(serde_json::Value::as_str);
        let text = match default {
            Some(default) if !default.is_empty() && self.random.chance(50) => default,
            _ => self.random.pick(&TEXTS),
        };
        let role = if field.interpolated {
            ScalarRole::Interpolated
        } else {
            ScalarRole::Value
        };
        Node::text(text, role)
    }

    /// A value of any form.
    fn anything(&mut self, depth: usize) -> Node {
        match self.random.below(if depth > 1 { 3 } else { 5 }) {
            0 => Node::plain(
                *self.random.pick(&["1", "null", "true", "2.5", "0x1f"]),
                ScalarRole::Free,
            ),
            1 | 2 => Node::text(*self.random.pick(&TEXTS), ScalarRole::Free),
            3 => Node::free_list(vec![self.anything(depth + 1), self.anything(depth + 1)]),
            _ => {
                let entries = ["a", "b c"].map(|key| Entry::new(key, self.anything(depth + 1)));
                Node::map(MapRole::Free, entries.into())
            }
        }
    }

    /// Fields: those that must be there, and some others.
    pub(super) fn fields(&mut self, fields: &[Field], path: &str, depth: usize) -> Node {
        let mut entries = Vec::new();
        for field in fields {
            let own = format!("{path}.{}", field.name);
            let is_required = field.is_required();
            let is_wanted = match rules::of(&own) {
                Some(Use::Always) => true,
                Some(Use::Never) => false,
                None if is_required => true,
                None => !field.deprecated && self.is_wanted(field, depth),
            };
            if is_wanted {
                let value = self.value(field, &own, depth);
                entries.push(Entry {
                    is_required,
                    ..Entry::new(&field.name, value)
                });
            }
        }
        Node::map(MapRole::Fields, entries)
    }

    /// Whether a field that may be left out is there.
    fn is_wanted(&mut self, field: &Field, depth: usize) -> bool {
        let holds_components = field.kind().is_some();
        let has_required = field.children.iter().any(|child| !child.optional);
        let chance = match (holds_components, has_required) {
            (true, _) => 70,
            (false, true) if !field.optional => 50,
            (false, _) => 15,
        };
        self.budget > 0 && self.random.chance(chance / (1 + depth / 2))
    }
}
