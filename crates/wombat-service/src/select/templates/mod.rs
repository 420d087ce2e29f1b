//! Templates of components: each defines a component for all files of a question.
//!
//! What a template becomes is known only when its mapping runs. But the mapping writes it down: `root.redis_list.key = …`.
//!
//! *tokens*: a mapping as words · *keys*: the keys that a mapping writes.

mod keys;
mod tokens;

use std::collections::BTreeMap;

use wombat_model::catalog::{Component, ComponentKind, Field, FieldShape};

use super::document::{NodeId, Value, YamlDocuments};
pub(super) use keys::{MOST_KEYS, WrittenKey, written_keys};

/// Fields of a template.
pub(super) const FIELDS: [&str; 10] = [
    "name",
    "type",
    "status",
    "categories",
    "summary",
    "description",
    "fields",
    "mapping",
    "metrics_mapping",
    "tests",
];
/// What a template may define.
pub(super) const KINDS: [ComponentKind; 5] = [
    ComponentKind::Cache,
    ComponentKind::Input,
    ComponentKind::Output,
    ComponentKind::Processor,
    ComponentKind::RateLimit,
];

/// The components that templates define, with their configurations.
#[derive(Default)]
pub(super) struct Templates(BTreeMap<Component, Field>);

/// Whether a document is a template: it has a name, a mapping, and a type or fields.
pub(super) fn is_template(documents: &YamlDocuments, root: NodeId) -> bool {
    let has = |key: &str| documents.get(root, key).is_some();
    has("name") && has("mapping") && (has("type") || has("fields"))
}

/// What a template defines.
pub(super) fn defined(documents: &YamlDocuments, root: NodeId) -> Option<Component> {
    let text = |key: &str| documents.text(documents.get(root, key)?);
    let kind = text("type")?.parse().ok().filter(|it| KINDS.contains(it))?;
    let name = text("name")?.to_owned();
    Some(Component { kind, name })
}

impl Templates {
    /// Learns all templates of a file.
    pub(super) fn learn(&mut self, documents: &YamlDocuments) {
        for root in &documents.roots {
            if is_template(documents, *root)
                && let Some(component) = defined(documents, *root)
            {
                self.0.insert(component, configuration(documents, *root));
            }
        }
    }

    /// The configuration of a component that a template defines.
    pub(super) fn config(&self, component: &Component) -> Option<&Field> {
        self.0.get(component)
    }
}

fn configuration(documents: &YamlDocuments, root: NodeId) -> Field {
    let fields = documents.get(root, "fields");
    let children = match fields.map(|fields| documents.value(fields)) {
        Some(Value::List(items)) => items
            .iter()
            .filter_map(|item| field(documents, *item))
            .collect(),
        Some(Value::Map(_) | Value::Scalar { .. }) | None => Vec::new(),
    };
    Field {
        of: "object".to_owned(),
        children,
        ..Field::default()
    }
}

fn field(documents: &YamlDocuments, node: NodeId) -> Option<Field> {
    let text = |key: &str| documents.text(documents.get(node, key)?);
    let name = text("name")?;
    let declared = text("type").unwrap_or("unknown");
    let (of, options) = match declared {
        "string_enum" | "string_annotated_enum" => ("string", options(documents, node)),
        "bloblang" => ("string", Vec::new()),
        of => (of, Vec::new()),
    };
    Some(Field {
        name: name.to_owned(),
        of: of.to_owned(),
        bloblang: declared == "bloblang",
        shape: match text("kind") {
            Some("list") => FieldShape::Array,
            Some("map") => FieldShape::Map,
            Some(_) | None => FieldShape::Scalar,
        },
        optional: documents.get(node, "default").is_some(),
        only_options: !options.is_empty(),
        options,
        ..Field::default()
    })
}

/// The values that a field may have: a list, or the keys of a map. Empty if one isn't known.
fn options(documents: &YamlDocuments, field: NodeId) -> Vec<String> {
    let Some(options) = documents.get(field, "options") else {
        return Vec::new();
    };
    let nodes: Vec<NodeId> = match documents.value(options) {
        Value::List(items) => items.clone(),
        Value::Map(entries) => entries.iter().map(|entry| entry.key).collect(),
        Value::Scalar { .. } => Vec::new(),
    };
    let text = |node: NodeId| {
        let is_known = !documents.is_partly_unknown(node);
        documents.text(node).filter(|_| is_known).map(str::to_owned)
    };
    nodes
        .into_iter()
        .map(text)
        .collect::<Option<_>>()
        .unwrap_or_default()
}
