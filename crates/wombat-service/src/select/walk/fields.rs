//! Fields and their values.

use wombat_model::catalog::{Field, FieldShape};

use super::{
    super::document::{Entry, NodeId, Value, is_null},
    Mistake, Walk,
    decisions::may_hold_components,
    documents::A_PIPELINE,
    kind_of,
};
use crate::catalog::not_offered;

impl Walk<'_> {
    pub(super) fn fields(&mut self, map: NodeId, fields: &[Field], of: &str) {
        let documents = self.documents;
        let Value::Map(entries) = documents.value(map) else {
            if !is_null(documents.value(map)) && !documents.is_partly_unknown(map) {
                self.mistake_at(map, format!("Expected the fields of {of} here."));
            }
            return;
        };
        for entry in entries {
            let Some(name) = documents.text(entry.key) else {
                self.mistake_at(entry.key, "A field name must be text.");
                continue;
            };
            if documents.is_partly_unknown(entry.key) {
                if fields.iter().any(may_hold_components) {
                    self.decided_by(entry.key);
                }
                continue;
            }
            match fields.iter().find(|field| field.name == name) {
                Some(field) => {
                    if may_hold_components(field) {
                        self.decided_by(entry.key);
                    }
                    self.value(entry.value, field, name);
                }
                None if documents.is_merge(entry) => self.merge(entry, fields, of),
                // Lint doesn't look at them.
                None if !self.is_linted || entry.by_alias => {}
                None => self.no_field(entry.key, fields, of),
            }
        }
    }

    fn no_field(&mut self, key: NodeId, fields: &[Field], of: &str) {
        if !self.may_report() {
            return;
        }
        let shown = self.shown(key);
        // A hint at another field would be wrong where the reason is known.
        let reason = shown.known().and_then(not_offered::top_field);
        if let Some(reason) = reason.filter(|_| of == A_PIPELINE) {
            return self.mistake_at(key, reason);
        }
        let names = fields.iter().map(|field| field.name.as_str());
        let message = format!(
            "There is no field {} in {of}{}",
            shown.quoted(),
            shown.or_nearest(names)
        );
        self.mistake_at(key, message);
    }

    /// Lint looks through `<<: *name`; a pipeline that runs ignores every `<<`.
    fn merge(&mut self, entry: &Entry, fields: &[Field], of: &str) {
        let is_map = matches!(self.documents.value(entry.value), Value::Map(_));
        if self.is_linted && !(entry.by_alias && is_map) {
            let message = format!("Only `<<: *name` of a map may stand in {of}.");
            return self.mistake_at(entry.key, message);
        }
        self.warn(Mistake {
            at: self.documents.position(entry.key),
            message: format!(
                "`lint` accepts `<<` in {of}, but a pipeline that runs ignores these fields; write them out."
            ),
        });
        if is_map {
            self.within(entry.value, |walk| walk.fields(entry.value, fields, of));
        }
    }

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
                        Value::Map(_) | Value::Scalar { .. } => self.single(*list, field, name),
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
            )
            | (FieldShape::Map, Value::Scalar { .. }) => {
                if kind_of(&field.of).is_none() {
                    self.single(node, field, name);
                } else if documents.is_partly_unknown(node) {
                    self.decided_by(node);
                } else if !is_null(documents.value(node)) {
                    self.mistake_at(node, format!("`{name}` must be a list."));
                }
            }
            (FieldShape::Map, Value::List(_)) => {
                self.mistake_at(node, format!("`{name}` must be a map of names to values."));
            }
        }
    }

    fn single(&mut self, node: NodeId, field: &Field, name: &str) {
        if !self.step(node) {
            return;
        }
        if self.documents.is_unknown(node) {
            self.open(node, field);
        } else if let Some(kind) = kind_of(&field.of) {
            self.component(node, kind);
        } else if field.bloblang {
            self.mapping(node);
        } else if !field.children.is_empty() {
            self.fields(node, &field.children, &format!("`{name}`"));
        } else if field.interpolated {
            self.texts(node);
        }
    }

    /// A value of which nothing is known.
    fn open(&mut self, node: NodeId, field: &Field) {
        if field.bloblang || may_hold_components(field) {
            self.decided_by(node);
        }
    }
}
