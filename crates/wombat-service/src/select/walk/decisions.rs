//! Variables that decide what a pipeline needs.

use wombat_model::catalog::Field;

use super::{
    super::{
        document::{NodeId, Value},
        text::{Text, UseId},
        variables::{UsedValue, VariableUse, shortened},
    },
    Mistake, Walk,
    words::Shown,
};

impl<'a> Walk<'a> {
    /// Notes that the value of this node decides. It is no mistake that a value isn't known.
    pub(super) fn decided_by(&mut self, node: NodeId) {
        match self.documents.value(node) {
            Value::Scalar { .. } => self.decided(&self.documents.uses(node)),
            Value::Map(entries) => {
                for entry in entries {
                    self.decided(&self.documents.uses(entry.key));
                }
            }
            Value::List(_) => {}
        }
    }

    /// Notes that these variables decide.
    pub(super) fn decided(&mut self, uses: &[UseId]) {
        for UseId(number) in uses {
            let variable = &self.uses.all[*number];
            self.found.deciding.insert(variable.name.clone());
            if variable.value == UsedValue::Unknown && self.may_warn() {
                let warning = undecided(variable, self.documents.source());
                self.found.warnings.insert(warning);
            }
        }
    }

    /// The text of a scalar as it may be shown.
    pub(super) fn shown(&self, node: NodeId) -> Shown<'a> {
        let name = self.documents.text(node).unwrap_or_default();
        let is_given = self.holds_given(&self.documents.uses(node));
        Shown::new(name, is_given.then(|| self.documents.written(node)))
    }

    /// Whether one of these variables has a value that came with the question.
    pub(super) fn holds_given(&self, uses: &[UseId]) -> bool {
        let is_given =
            |UseId(number): &UseId| matches!(self.uses.all[*number].value, UsedValue::Given(_));
        uses.iter().any(is_given)
    }
}

/// The warning about a variable that decides, and whose value isn't known.
pub(crate) fn undecided(variable: &VariableUse, source: &Text) -> Mistake {
    let written = source.source_text(variable.source.clone());
    Mistake {
        at: source.source_position(variable.source.start),
        message: format!("`{}` decides here; give it a value.", shortened(written)),
    }
}

/// Whether a component may stand in the value of a field.
pub(super) fn may_hold_components(field: &Field) -> bool {
    field.kind().is_some() || field.children.iter().any(may_hold_components)
}
