//! Labels of components and resources.

use super::{
    super::document::{NodeId, Value, is_null},
    Walk,
};

impl Walk<'_> {
    /// The label of a component. `is_reference`: it is a resource that stands elsewhere.
    pub(super) fn label(&mut self, node: NodeId, is_reference: bool) {
        let documents = self.documents;
        if !self.is_linted || documents.is_partly_unknown(node) {
            return;
        }
        if is_reference {
            return self.lint(node, "A reference to a resource has no label of its own.");
        }
        let Value::Scalar { text, .. } = documents.value(node) else {
            return self.lint(node, "`label` must be a text.");
        };
        if text.is_empty() || is_null(documents.value(node)) {
            return;
        }
        let shown = self.shown(node).quoted();
        if !is_label(text) {
            let message = format!(
                "{shown} can't be a label: it has small letters, digits, `_` and `-`, and begins with a letter or digit."
            );
            return self.lint(node, message);
        }
        if let Some(first) = self.labels.insert(text, node)
            && self.may_report()
        {
            self.labels.insert(text, first);
            let line = documents.position(first).line;
            let message = format!("{shown} is the label of another component, on line {line}.");
            self.lint(node, message);
        }
    }

    /// A resource is found by its label.
    pub(super) fn resource(&mut self, node: NodeId, name: &str) {
        let documents = self.documents;
        let Value::Map(entries) = documents.value(node) else {
            return;
        };
        let is_open = |key: NodeId| documents.is_partly_unknown(key);
        if entries
            .iter()
            .any(|it| is_open(it.key) || documents.is_merge(it))
        {
            return;
        }
        let label = documents.get(node, "label");
        let has_label = label.is_some_and(|label| {
            let value = documents.value(label);
            !is_null(value) && documents.text(label).is_some_and(|text| !text.is_empty())
        });
        if !has_label {
            self.lint(node, format!("Each of the `{name}` needs a `label`."));
        }
    }
}

fn is_label(text: &str) -> bool {
    let is_part =
        |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'_' | b'-');
    !text.starts_with(['_', '-']) && text.bytes().all(is_part)
}
