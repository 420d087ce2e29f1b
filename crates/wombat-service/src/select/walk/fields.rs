//! Which fields there are.

use std::collections::BTreeSet;

use wombat_model::catalog::Field;

use super::{
    super::document::{Entry, NodeId, Value, is_null},
    Walk,
    decisions::may_hold_components,
    documents::A_PIPELINE,
};
use crate::catalog::{nearest, not_offered};

/// Most names that are compared with missing fields.
const MOST_OTHERS: usize = 4;

/// The fields of a map.
#[derive(Default)]
struct Seen<'f> {
    names: BTreeSet<&'f str>,
    /// There may be others: a name isn't known.
    is_open: bool,
    /// Names that aren't fields: perhaps misspelled ones.
    others: Vec<String>,
}

impl Walk<'_> {
    pub(super) fn fields(&mut self, map: NodeId, fields: &[Field], of: &str) {
        let documents = self.documents;
        if !matches!(documents.value(map), Value::Map(_)) {
            let message = format!("Expected the fields of {of} here.");
            if is_null(documents.value(map)) {
                // A pipeline that runs takes this for no fields.
                self.lint(map, message);
            } else if !documents.is_partly_unknown(map) {
                self.mistake_at(map, message);
            }
            return;
        }
        let mut seen = Seen::default();
        self.entries(map, fields, of, &mut seen);
        if !seen.is_open {
            self.missing(map, fields, of, &seen);
        }
    }

    /// Required fields that aren't there.
    fn missing(&mut self, map: NodeId, fields: &[Field], of: &str, seen: &Seen<'_>) {
        if !self.is_linted || !self.may_report() {
            return;
        }
        let required = fields.iter().filter(|field| field.is_required());
        let mut missing: Vec<&str> = required.map(|field| field.name.as_str()).collect();
        missing.retain(|name| !seen.names.contains(name));
        if missing.is_empty() {
            return;
        }
        // A field that is misspelled is one mistake.
        let names = || fields.iter().map(|field| field.name.as_str());
        let others = seen.others.iter();
        let meant: Vec<&str> = others.flat_map(|other| nearest(other, names())).collect();
        for name in missing.into_iter().filter(|name| !meant.contains(name)) {
            self.lint(map, format!("`{name}` is missing in {of}."));
        }
    }

    fn entries<'f>(&mut self, map: NodeId, fields: &'f [Field], of: &str, seen: &mut Seen<'f>) {
        let documents = self.documents;
        let Value::Map(entries) = documents.value(map) else {
            return;
        };
        for entry in entries {
            let Some(name) = documents.text(entry.key) else {
                self.mistake_at(entry.key, "A field name must be text.");
                continue;
            };
            if documents.is_partly_unknown(entry.key) {
                seen.is_open = true;
                if fields.iter().any(may_hold_components) {
                    self.decided_by(entry.key);
                }
                continue;
            }
            match fields.iter().find(|field| field.name == name) {
                Some(field) => {
                    seen.names.insert(&field.name);
                    if may_hold_components(field) {
                        self.decided_by(entry.key);
                    }
                    self.value(entry.value, field, name);
                }
                None if documents.is_merge(entry) => self.merge(entry, fields, of, seen),
                // Lint doesn't look at them.
                None if !self.is_linted || entry.by_alias => {}
                None => {
                    if seen.others.len() < MOST_OTHERS {
                        seen.others.push(name.to_owned());
                    }
                    self.no_field(entry.key, fields, of);
                }
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
    fn merge<'f>(&mut self, entry: &Entry, fields: &'f [Field], of: &str, seen: &mut Seen<'f>) {
        let is_map = matches!(self.documents.value(entry.value), Value::Map(_));
        if self.is_linted && !(entry.by_alias && is_map) {
            seen.is_open = true;
            let message = format!("Only `<<: *name` of a map may stand in {of}.");
            return self.mistake_at(entry.key, message);
        }
        self.warn_at(
            entry.key,
            format!(
                "`lint` accepts `<<` in {of}, but a pipeline that runs ignores these fields; write them out."
            ),
        );
        if is_map {
            self.within(entry.value, |walk| {
                walk.entries(entry.value, fields, of, seen);
            });
        }
    }
}
