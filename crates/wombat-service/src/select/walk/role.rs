//! What a document is, by its content.

use wombat_model::{
    catalog::{Component, ComponentKind, Field},
    wire::FileRole,
};

use super::{
    super::{
        document::{NodeId, Value, YamlDocuments, is_null},
        templates::{Templates, is_template},
    },
    block::Block,
};
use crate::catalog::{Schemas, nearest, not_offered};

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Pipeline,
    Resources,
    Tests,
    Streams,
    Template,
    /// One component, of one of these kinds.
    Component(Vec<ComponentKind>),
    /// A list of components, each of one of its kinds.
    Components(Vec<(NodeId, Vec<ComponentKind>)>),
    /// A mapping, which is no YAML.
    Mapping,
    Empty,
    Unknown,
}

impl Role {
    pub(crate) fn of_file(&self) -> FileRole {
        match self {
            Self::Pipeline => FileRole::Pipeline,
            Self::Resources => FileRole::Resources,
            Self::Tests => FileRole::Tests,
            Self::Streams => FileRole::Streams,
            Self::Template => FileRole::Template,
            Self::Component(_) | Self::Components(_) => FileRole::Component,
            Self::Mapping => FileRole::Mapping,
            Self::Empty => FileRole::Empty,
            Self::Unknown => FileRole::Unknown,
        }
    }
}

/// Fields that only a pipeline has.
const OF_STREAM: [&str; 4] = ["input", "buffer", "pipeline", "output"];
/// Fields of a file of tests.
const OF_TESTS: [&str; 2] = ["tests", "parallel"];
/// Kinds of components that stand in configurations.
const KINDS: [ComponentKind; 9] = [
    ComponentKind::Input,
    ComponentKind::Output,
    ComponentKind::Processor,
    ComponentKind::Cache,
    ComponentKind::Buffer,
    ComponentKind::RateLimit,
    ComponentKind::Metric,
    ComponentKind::Tracer,
    ComponentKind::Scanner,
];

/// Tells the roles of documents.
pub(crate) struct Roles<'a> {
    pub(crate) documents: &'a YamlDocuments,
    /// Path of the file; its folder may tell the kind of a component.
    pub(crate) path: &'a str,
    /// There is no other file: what is nothing else is a pipeline with mistakes.
    pub(crate) is_only: bool,
    pub(crate) schemas: &'a Schemas,
    pub(crate) templates: &'a Templates,
}

impl Roles<'_> {
    /// The roles of all documents.
    pub(crate) fn all(&self) -> Vec<Role> {
        let roots = self.documents.roots.iter();
        roots.map(|root| self.of(*root)).collect()
    }

    fn of(&self, root: NodeId) -> Role {
        let otherwise = if self.is_only {
            Role::Pipeline
        } else {
            Role::Unknown
        };
        let documents = self.documents;
        match documents.value(root) {
            value if is_null(value) => Role::Empty,
            // A variable may stand for a whole pipeline.
            _ if documents.is_unknown(root) => Role::Pipeline,
            Value::Scalar { .. } => otherwise,
            Value::List(items) => self.of_list(items).unwrap_or(otherwise),
            Value::Map(_) => self.of_map(root).unwrap_or(otherwise),
        }
    }

    fn of_list(&self, items: &[NodeId]) -> Option<Role> {
        let all = items.iter().map(|item| {
            let kinds = self.kinds(*item);
            (!kinds.is_empty()).then_some((*item, kinds))
        });
        let all: Vec<_> = all.collect::<Option<_>>()?;
        (!all.is_empty()).then_some(Role::Components(all))
    }

    fn of_map(&self, root: NodeId) -> Option<Role> {
        let documents = self.documents;
        if is_template(documents, root) {
            return Some(Role::Template);
        }
        let keys = self.keys(root);
        let has = |names: &[&str]| keys.iter().any(|key| names.contains(key));
        let stream: &[Field] = self.schemas.stream();
        let is_field = |key: &&str| stream.iter().any(|field| field.name == **key);
        if has(&OF_STREAM) {
            return Some(Role::Pipeline);
        }
        if !keys.is_empty() && keys.iter().all(|key| OF_TESTS.contains(key)) {
            return Some(Role::Tests);
        }
        if keys.iter().any(is_field) {
            return Some(Role::Resources);
        }
        if self.is_streams(root) {
            return Some(Role::Streams);
        }
        let kinds = self.kinds(root);
        if !kinds.is_empty() {
            return Some(Role::Component(kinds));
        }
        let names: Vec<&str> = stream.iter().map(|field| field.name.as_str()).collect();
        let is_meant =
            |key: &&str| not_offered::top_field(key).is_some() || is_misspelled(key, &names);
        // A key that isn't known may be any field.
        let is_open = self.has_open_key(root);
        (is_open || keys.iter().any(is_meant)).then_some(Role::Pipeline)
    }

    fn keys(&self, map: NodeId) -> Vec<&str> {
        let Value::Map(entries) = self.documents.value(map) else {
            return Vec::new();
        };
        let keys = entries.iter();
        keys.filter_map(|entry| self.documents.text(entry.key))
            .collect()
    }

    fn has_open_key(&self, map: NodeId) -> bool {
        let Value::Map(entries) = self.documents.value(map) else {
            return false;
        };
        entries
            .iter()
            .any(|entry| self.documents.is_partly_unknown(entry.key))
    }

    /// Whether all values are pipelines.
    fn is_streams(&self, root: NodeId) -> bool {
        let Value::Map(entries) = self.documents.value(root) else {
            return false;
        };
        let is_pipeline = |node: NodeId| self.keys(node).iter().any(|key| OF_STREAM.contains(key));
        // A component may have such fields, too; it doesn't have all of its fields like that.
        !entries.is_empty()
            && entries.iter().all(|entry| is_pipeline(entry.value))
            && self.kinds(root).is_empty()
    }

    /// The kinds of the component that a map is; empty if it is none.
    fn kinds(&self, node: NodeId) -> Vec<ComponentKind> {
        let Value::Map(entries) = self.documents.value(node) else {
            return Vec::new();
        };
        let mut fitting: Vec<(usize, ComponentKind)> = Vec::new();
        for kind in KINDS {
            let block = Block::of(entries, kind, self.documents);
            let named = block.type_name.and_then(|it| self.documents.text(it));
            let (name, config) = match (named, block.named.as_slice()) {
                (Some(name), []) => (name, block.plugin),
                (None, [only]) => (
                    self.documents.text(only.key).unwrap_or_default(),
                    Some(only.value),
                ),
                (Some(name), [only]) if self.documents.text(only.key) == Some(name) => {
                    (name, Some(only.value))
                }
                _ => continue,
            };
            if let Some(misfits) = self.misfits(kind, name, config) {
                fitting.push((misfits, kind));
            }
        }
        if let Some(kind) = self.kind_of_folder()
            && fitting.iter().any(|(_, fits)| *fits == kind)
        {
            return vec![kind];
        }
        let least = fitting.iter().map(|(misfits, _)| *misfits).min();
        let best = fitting.into_iter();
        best.filter(|(misfits, _)| Some(*misfits) == least)
            .map(|(_, kind)| kind)
            .collect()
    }

    /// How many fields of a configuration the component doesn't have. `None`: there is no such component.
    fn misfits(&self, kind: ComponentKind, name: &str, config: Option<NodeId>) -> Option<usize> {
        let component = Component {
            kind,
            name: name.to_owned(),
        };
        let field = if let Some(field) = self.templates.config(&component) {
            Some(field)
        } else if let Some(documentation) = self.schemas.component(kind, name) {
            documentation.config.as_ref()
        } else {
            not_offered::component(Some(kind), name)?;
            None
        };
        let (Some(config), Some(field)) = (config, field) else {
            return Some(0);
        };
        let keys = self.keys(config);
        let unknown = keys.iter().filter(|key| field.child(key).is_none());
        Some(if field.children.is_empty() {
            0
        } else {
            unknown.count()
        })
    }

    /// What files in this folder are, as in `processors/a.yaml`.
    fn kind_of_folder(&self) -> Option<ComponentKind> {
        let folder = self.path.rsplit('/').nth(1)?;
        KINDS.into_iter().find(|kind| {
            let name = kind.as_str();
            folder
                .strip_prefix(name)
                .is_some_and(|end| end.is_empty() || end == "s")
        })
    }
}

/// Whether a key may be one of these names with a typing mistake.
fn is_misspelled(key: &str, names: &[&str]) -> bool {
    let near = nearest(key, names.iter().copied());
    // A name within a longer word is no typing mistake.
    near.iter().any(|name| name.len().abs_diff(key.len()) <= 2)
}
