//! Values of fields without fields of their own.

use wombat_model::catalog::Field;

use super::{
    super::document::{NodeId, Value, is_null},
    Walk,
};

/// Most options that a message lists.
const MOST_LISTED: usize = 8;

impl Walk<'_> {
    /// Checks type and options; whether the value may be looked into.
    pub(super) fn leaf(&mut self, node: NodeId, field: &Field, name: &str) -> bool {
        let documents = self.documents;
        let is_scalar = matches!(documents.value(node), Value::Scalar { .. });
        match field.of.as_str() {
            "string" | "int" | "float" | "bool" if !is_scalar => {
                let what = what(&field.of);
                self.mistake_at(node, format!("`{name}` must be {what}."));
                return false;
            }
            "object" if !matches!(documents.value(node), Value::Map(_)) => {
                if !documents.is_partly_unknown(node) {
                    self.mistake_at(node, format!("`{name}` must be a map."));
                }
                return false;
            }
            _ => {}
        }
        if is_scalar && field.only_options {
            self.option(node, field, name);
        }
        true
    }

    fn option(&mut self, node: NodeId, field: &Field, name: &str) {
        let documents = self.documents;
        let Some(text) = documents.text(node) else {
            return;
        };
        let is_known = field.options.iter().any(|it| it.eq_ignore_ascii_case(text));
        if is_known || documents.is_partly_unknown(node) || is_null(documents.value(node)) {
            return;
        }
        let shown = self.shown(node);
        let mut listed: Vec<String> = field
            .options
            .iter()
            .take(MOST_LISTED)
            .map(|it| format!("`{it}`"))
            .collect();
        if field.options.len() > MOST_LISTED {
            listed.push("…".to_owned());
        }
        let message = format!(
            "{} is no option of `{name}`; there are {}.",
            shown.quoted(),
            listed.join(", ")
        );
        self.lint(node, message);
    }
}

fn what(of: &str) -> &'static str {
    match of {
        "int" | "float" => "a number",
        "bool" => "true or false",
        _ => "a text",
    }
}
