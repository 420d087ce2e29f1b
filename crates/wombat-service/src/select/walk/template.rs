//! Templates: what they define, and what their mapping writes.

use wombat_model::catalog::{Component, ComponentKind, Field, FieldShape};

use super::{
    super::{
        document::{NodeId, Value},
        templates::{FIELDS, KINDS, MOST_KEYS, WrittenKey, defined, written_keys},
        text::Position,
    },
    Walk,
    block::is_reserved,
    decisions::may_hold_components,
    words::{Shown, a},
};

/// Most components that a note names.
const MOST_NAMED: usize = 8;

/// What stands at a key that a mapping writes.
#[derive(Clone, Copy)]
enum Place<'a> {
    Component(ComponentKind),
    /// The value of a field, or one of its values.
    Field(&'a Field),
    /// Names with such values.
    Names(&'a Field),
    /// Nothing that holds components.
    Other,
}

impl<'a> Place<'a> {
    fn of(field: &'a Field) -> Self {
        match field.shape {
            FieldShape::Map => Self::Names(field),
            FieldShape::Scalar | FieldShape::Array | FieldShape::TwoDimensions => {
                Self::of_item(field)
            }
        }
    }

    fn of_item(field: &'a Field) -> Self {
        match field.kind() {
            Some(kind) => Self::Component(kind),
            None if may_hold_components(field) => Self::Field(field),
            None => Self::Other,
        }
    }
}

impl Walk<'_> {
    pub(super) fn template(&mut self, root: NodeId) {
        let documents = self.documents;
        self.template_fields(root);
        for field in ["mapping", "metrics_mapping"] {
            if let Some(mapping) = documents.get(root, field) {
                self.mapping(mapping);
            }
        }
        let Some(component) = defined(documents, root) else {
            let at = documents.get(root, "type").unwrap_or(root);
            if !documents.is_partly_unknown(at) {
                let kinds = KINDS.map(|kind| format!("`{kind}`"));
                let message = format!("The `type` of a template is one of {}.", kinds.join(", "));
                self.mistake_at(at, message);
            }
            return;
        };
        let mut named = Vec::new();
        if let Some(mapping) = documents.get(root, "mapping")
            && let Some(text) = documents.text(mapping)
        {
            let (keys, is_cut) = written_keys(text);
            if is_cut {
                let at = documents.position(mapping);
                let message = format!(
                    "This mapping writes too much: its first {MOST_KEYS} keys are read, 64 deep, and 50000 parts of its variables."
                );
                self.warn(at, message);
            }
            for key in keys {
                if let Some(name) = self.written(component.kind, &key, mapping)
                    && !named.contains(&name)
                {
                    named.push(name);
                }
            }
        }
        self.describe(root, &component, &named);
    }

    fn template_fields(&mut self, root: NodeId) {
        let Value::Map(entries) = self.documents.value(root) else {
            return;
        };
        for entry in entries {
            let Some(name) = self.documents.text(entry.key) else {
                continue;
            };
            if !self.documents.is_partly_unknown(entry.key) && !FIELDS.contains(&name) {
                let shown = self.shown(entry.key);
                let message = format!(
                    "There is no field {} in a template{}",
                    shown.quoted(),
                    shown.or_nearest(FIELDS.into_iter())
                );
                self.mistake_at(entry.key, message);
            }
        }
    }

    /// Says what a template is, at its name.
    fn describe(&mut self, root: NodeId, component: &Component, named: &[String]) {
        let at = self.documents.get(root, "name").unwrap_or(root);
        let quoted = self.shown(at).quoted();
        let shown: Vec<&str> = named.iter().take(MOST_NAMED).map(String::as_str).collect();
        let what = match named {
            [] => "its mapping names no component; pick what it makes beside it".to_owned(),
            _ => format!("its mapping names {}", shown.join(", ")),
        };
        let more = if named.len() > shown.len() {
            format!(" and {} more", named.len() - shown.len())
        } else {
            String::new()
        };
        let message = format!(
            "A template: {quoted} is {} here, and {what}{more}.",
            a(component.kind)
        );
        let at = self.documents.position(at);
        self.note(at, message);
    }

    /// Takes the component that a key of a mapping names, if it names one.
    fn written(
        &mut self,
        kind: ComponentKind,
        key: &WrittenKey,
        mapping: NodeId,
    ) -> Option<String> {
        let (last, before) = key.path.split_last()?;
        let mut place = Place::Component(kind);
        for name in before {
            place = self.below(place, name);
        }
        let Place::Component(kind) = place else {
            return None;
        };
        let name = match key.value.as_deref() {
            Some(value) if last == "type" => value,
            _ if is_index(last) || is_reserved(last, kind) => return None,
            _ => last,
        };
        let component = Component {
            kind,
            name: name.to_owned(),
        };
        let shown = format!("`{name}`");
        // A given value may be part of the name.
        let is_given = || self.holds_given(&self.documents.uses(mapping));
        if self.templates.config(&component).is_some() {
            return (!is_given()).then_some(shown);
        }
        if self.found.components.contains_key(&component) {
            return Some(shown);
        }
        if self.documents.has_unknown(name) {
            self.decided_by(mapping);
            return None;
        }
        if self.schemas.component(kind, name).is_some() {
            let at = self.position_of(key, last, mapping);
            self.takes(component, at, None);
            return Some(shown);
        }
        if self.may_report() && !self.holds_given(&self.documents.uses(mapping)) {
            let at = self.position_of(key, last, mapping);
            self.no_such(kind, &Shown::new(name, None), at);
        }
        None
    }

    fn position_of(&self, key: &WrittenKey, last: &str, mapping: NodeId) -> Position {
        let range = self.documents.range_of(mapping, key.at, last);
        self.documents.source().position(range.start)
    }

    /// What stands below a key.
    fn below<'b>(&'b self, place: Place<'b>, name: &str) -> Place<'b> {
        match place {
            Place::Component(_) | Place::Field(_) if is_index(name) => place,
            Place::Component(kind) if name == "processors" && is_reserved(name, kind) => {
                Place::Component(ComponentKind::Processor)
            }
            Place::Component(kind) if is_reserved(name, kind) => Place::Other,
            Place::Component(kind) => {
                let documentation = self.schemas.component(kind, name);
                let config = documentation.and_then(|it| it.config.as_ref());
                config.map_or(Place::Other, Place::of)
            }
            Place::Field(field) => field.child(name).map_or(Place::Other, Place::of),
            Place::Names(field) => Place::of_item(field),
            Place::Other => Place::Other,
        }
    }
}

/// Whether a name in a path is the index of an item.
fn is_index(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|it| it.is_ascii_digit())
}
