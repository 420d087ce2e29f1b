//! Finds the components that a pipeline uses, by the fields that components declare: an `input` in a `broker`, a
//! processor in a `branch`, a method in a mapping. A name somewhere in a text doesn't count.
//!
//! Here: documents and fields · *component*: what a field of such a type holds · *calls*: mappings · *words*: for people.

mod calls;
mod component;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::catalog::{Component, ComponentKind, Field, FieldShape};

use super::{
    document::{NodeId, Position, Value, YamlDocuments},
    rules::Rule,
};
use crate::catalog::{Schemas, nearest, or_nearest};
use words::quoted;

/// Most steps of a walk: aliases of aliases make a pipeline larger than its text.
const MOST_STEPS: usize = 100_000;
/// Most mistakes that are reported.
const MOST_PROBLEMS: usize = 100;

/// A mistake, and its position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mistake {
    pub(super) at: Position,
    pub(super) message: String,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Components, and the first position of each.
    pub(super) components: BTreeMap<Component, Position>,
    /// Packages that are needed although no component names them.
    pub(super) rules: BTreeMap<&'static Rule, Position>,
    pub(super) mistakes: BTreeSet<Mistake>,
}

/// Walks all documents.
pub(super) fn walk(documents: &YamlDocuments, schemas: &Schemas) -> Found {
    let mut walk = Walk {
        documents,
        schemas,
        templates: BTreeSet::new(),
        found: Found::default(),
        steps: 0,
    };
    for root in &documents.roots {
        walk.learn_template(*root);
    }
    for root in &documents.roots {
        walk.document(*root);
    }
    walk.found
}

struct Walk<'a> {
    documents: &'a YamlDocuments,
    schemas: &'a Schemas,
    /// Components that the text itself defines.
    templates: BTreeSet<Component>,
    found: Found,
    steps: usize,
}

/// The kind of component that a field of this type holds.
fn kind_of(type_name: &str) -> Option<ComponentKind> {
    Some(match type_name {
        "input" => ComponentKind::Input,
        "output" => ComponentKind::Output,
        "processor" => ComponentKind::Processor,
        "cache" => ComponentKind::Cache,
        "buffer" => ComponentKind::Buffer,
        "rate_limit" => ComponentKind::RateLimit,
        "metrics" => ComponentKind::Metric,
        "tracer" => ComponentKind::Tracer,
        "scanner" => ComponentKind::Scanner,
        _ => return None,
    })
}

impl Walk<'_> {
    fn mistake(&mut self, at: Position, message: impl Into<String>) {
        if self.found.mistakes.len() < MOST_PROBLEMS {
            self.found.mistakes.insert(Mistake {
                at,
                message: message.into(),
            });
        }
    }

    /// Counts a step; `false` once there were too many.
    fn step(&mut self, at: Position) -> bool {
        self.steps += 1;
        if self.steps == MOST_STEPS {
            self.mistake(at, "This pipeline is too large, aliases included.");
        }
        self.steps < MOST_STEPS
    }

    /// A document with a name and a mapping is a template, which others may use.
    fn learn_template(&mut self, root: NodeId) {
        let text = |key: &str| self.documents.text(self.documents.get(root, key)?);
        if let (Some(name), Some(kind)) = (text("name"), text("type").and_then(kind_of))
            && self.documents.get(root, "mapping").is_some()
        {
            let name = name.to_owned();
            self.templates.insert(Component { kind, name });
        }
    }

    fn document(&mut self, root: NodeId) {
        if let Some(mapping) = self.documents.get(root, "mapping") {
            return self.mapping(mapping);
        }
        let (node, schemas) = (self.documents.node(root), self.schemas);
        match &node.value {
            Value::Map(_) => self.fields(root, schemas.stream(), "a pipeline"),
            Value::Scalar { text, .. } if text.trim().is_empty() || text == "~" => {}
            Value::Scalar { .. } | Value::List(_) => self.mistake(
                node.at,
                "A pipeline is made of fields, such as `input:` and `output:`.",
            ),
        }
    }

    fn fields(&mut self, map: NodeId, fields: &[Field], of: &str) {
        let node = self.documents.node(map);
        let Value::Map(entries) = &node.value else {
            if !is_nothing(&node.value) {
                self.mistake(node.at, format!("Expected the fields of {of} here."));
            }
            return;
        };
        for (key, value) in entries {
            let at = self.documents.node(*key).at;
            let Some(name) = self.documents.text(*key) else {
                self.mistake(at, "A field name must be text.");
                continue;
            };
            match fields.iter().find(|field| field.name == name) {
                Some(field) => self.value(*value, field, name),
                // Merges the fields of another map.
                None if name == "<<" => self.fields(*value, fields, of),
                None => {
                    let close = nearest(name, fields.iter().map(|field| field.name.as_str()));
                    let message = format!(
                        "There is no field {} in {of}{}",
                        quoted(name),
                        or_nearest(&close)
                    );
                    self.mistake(at, message);
                }
            }
        }
    }

    /// The value of a field. `name` is the field's, or that of the component whose configuration it is.
    fn value(&mut self, node: NodeId, field: &Field, name: &str) {
        let at = self.documents.node(node).at;
        if !self.step(at) {
            return;
        }
        match (field.shape, &self.documents.node(node).value) {
            (FieldShape::Scalar, _) => self.single(node, field, name),
            (FieldShape::Array, Value::List(items)) => {
                for item in items {
                    self.single(*item, field, name);
                }
            }
            (FieldShape::TwoDimensions, Value::List(lists)) => {
                for list in lists {
                    match &self.documents.node(*list).value {
                        Value::List(items) => {
                            for item in items {
                                self.single(*item, field, name);
                            }
                        }
                        _ => self.single(*list, field, name),
                    }
                }
            }
            (FieldShape::Map, Value::Map(entries)) => {
                for (_, value) in entries {
                    self.single(*value, field, name);
                }
            }
            // A single item instead of a list, and variables that become a list.
            (
                FieldShape::Array | FieldShape::TwoDimensions,
                Value::Map(_) | Value::Scalar { .. },
            )
            | (FieldShape::Map, Value::Scalar { .. }) => {
                if kind_of(&field.of).is_none() {
                    self.single(node, field, name);
                } else if !is_nothing(&self.documents.node(node).value) {
                    self.mistake(at, format!("`{name}` must be a list."));
                }
            }
            (FieldShape::Map, Value::List(_)) => {
                self.mistake(at, format!("`{name}` must be a map of names to values."));
            }
        }
    }

    fn single(&mut self, node: NodeId, field: &Field, name: &str) {
        let at = self.documents.node(node).at;
        if !self.step(at) {
            return;
        }
        if let Some(kind) = kind_of(&field.of) {
            self.component(node, kind);
        } else if field.bloblang {
            self.mapping(node);
        } else if !field.children.is_empty() {
            self.fields(node, &field.children, &format!("`{name}`"));
        } else if field.interpolated {
            self.texts(node);
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Scalar { text, plain: true } if text.is_empty() || text == "~" || text == "null")
}
