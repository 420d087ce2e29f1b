//! Documents, by their roles.

use wombat_model::catalog::ComponentKind;

use super::{
    super::document::{NodeId, Value},
    Walk,
    role::Role,
    words::a,
};

/// What messages call a pipeline.
pub(super) const A_PIPELINE: &str = "a pipeline";
/// Most fields that a note names.
const MOST_NAMED: usize = 3;

impl Walk<'_> {
    pub(super) fn document(&mut self, root: NodeId, role: &Role) {
        match role {
            Role::Pipeline | Role::Resources | Role::Tests => self.pipeline(root),
            Role::Streams => self.streams(root),
            Role::Template => self.template(root),
            Role::Component(kinds) => self.alone(root, kinds),
            Role::Components(items) => {
                for (item, kinds) in items {
                    self.alone(*item, kinds);
                }
            }
            Role::Mapping => self.mapping(root),
            Role::Empty => {}
            Role::Unknown => self.not_taken(root),
        }
    }

    fn pipeline(&mut self, root: NodeId) {
        let schemas = self.schemas;
        if self.documents.is_unknown(root) {
            return self.decided_by(root);
        }
        match self.documents.value(root) {
            Value::Map(_) => {
                self.labels.clear();
                self.catches.clear();
                self.is_direct = true;
                self.fields(root, schemas.stream(), A_PIPELINE);
                self.is_direct = false;
                self.strict_errors(root);
            }
            Value::Scalar { .. } | Value::List(_) => self.mistake_at(
                root,
                "A pipeline is made of fields, such as `input:` and `output:`.",
            ),
        }
    }

    /// Pipelines by the ids of their streams.
    fn streams(&mut self, root: NodeId) {
        if let Value::Map(entries) = self.documents.value(root) {
            for entry in entries {
                self.decided_by(entry.key);
                self.within(entry.value, |walk| walk.pipeline(entry.value));
            }
        }
    }

    /// A component without a field that tells its kind.
    fn alone(&mut self, node: NodeId, kinds: &[ComponentKind]) {
        if kinds.len() > 1 {
            let words: Vec<String> = kinds.iter().map(|kind| a(*kind)).collect();
            let message = format!(
                "This may be {}; all of them are taken. A folder such as `{}s/` tells which it is.",
                words.join(" or "),
                kinds[0]
            );
            let at = self.documents.position(node);
            self.note(at, message);
        }
        self.is_direct = true;
        for kind in kinds {
            self.labels.clear();
            self.within(node, |walk| walk.component(node, *kind));
        }
        self.is_direct = false;
    }

    fn not_taken(&mut self, root: NodeId) {
        let names: Vec<String> = match self.documents.value(root) {
            Value::Map(entries) => entries
                .iter()
                .take(MOST_NAMED)
                .map(|entry| self.shown(entry.key).quoted())
                .collect(),
            Value::List(_) | Value::Scalar { .. } => Vec::new(),
        };
        let what = match names.as_slice() {
            [] => "it isn't made of fields".to_owned(),
            names => format!("it begins with {}", names.join(", ")),
        };
        let at = self.documents.position(root);
        let message = format!(
            "Not taken: {what}, and is no pipeline, resources, template, tests, streams or component."
        );
        self.note(at, message);
    }
}
