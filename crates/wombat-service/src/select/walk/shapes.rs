//! Values of fields: lists, maps and single ones.

use wombat_model::catalog::{Field, FieldShape};

use super::{
    super::document::{NodeId, Value},
    Walk,
    decisions::may_hold_components,
};

impl Walk<'_> {
    /// The value of a field. `name` is the field's, or that of the component whose configuration it is.
    pub(super) fn value(&mut self, node: NodeId, field: &Field, name: &str) {
        self.within(node, |walk| walk.shaped(node, field, name));
    }

    fn shaped(&mut self, node: NodeId, field: &Field, name: &str) {
        let documents = self.documents;
        if documents.is_unknown(node) {
            return self.open(node, field);
        }
        match (field.shape, documents.value(node)) {
            (FieldShape::Scalar, _) => self.single(node, field, name),
            (FieldShape::Array, Value::List(items)) => {
                for item in items {
                    self.single(*item, field, name);
                }
            }
            (FieldShape::TwoDimensions, Value::List(lists)) => {
                for list in lists {
                    match documents.value(*list) {
                        Value::List(items) => {
                            for item in items {
                                self.single(*item, field, name);
                            }
                        }
                        Value::Map(_) | Value::Scalar { .. } => {
                            self.no_list(*list, field, &format!("Each item of `{name}`"));
                        }
                    }
                }
            }
            (FieldShape::Map, Value::Map(entries)) => {
                for entry in entries {
                    self.single(entry.value, field, name);
                }
            }
            (
                FieldShape::Array | FieldShape::TwoDimensions,
                Value::Map(_) | Value::Scalar { .. },
            ) => self.no_list(node, field, &format!("`{name}`")),
            (FieldShape::Map, Value::List(_) | Value::Scalar { .. }) => {
                if documents.is_partly_unknown(node) {
                    return self.open(node, field);
                }
                self.mistake_at(node, format!("`{name}` must be a map of names to values."));
            }
        }
    }

    /// What stands where a list belongs.
    fn no_list(&mut self, node: NodeId, field: &Field, what: &str) {
        if self.documents.is_unknown(node) || self.documents.is_partly_unknown(node) {
            return self.open(node, field);
        }
        self.mistake_at(node, format!("{what} must be a list."));
    }

    fn single(&mut self, node: NodeId, field: &Field, name: &str) {
        if !self.step(node) {
            return;
        }
        if self.documents.is_unknown(node) {
            self.open(node, field);
        } else if let Some(kind) = field.kind() {
            if self.is_direct && field.name.ends_with("_resources") {
                self.resource(node, name);
            }
            self.component(node, kind);
        } else if !field.children.is_empty() {
            self.fields(node, &field.children, &format!("`{name}`"));
        } else if self.leaf(node, field, name) {
            if field.bloblang {
                self.mapping(node);
            } else if field.interpolated {
                self.texts(node);
            }
        }
    }

    /// A value of which nothing is known.
    pub(super) fn open(&mut self, node: NodeId, field: &Field) {
        if field.bloblang || may_hold_components(field) {
            self.decided_by(node);
        }
    }
}
