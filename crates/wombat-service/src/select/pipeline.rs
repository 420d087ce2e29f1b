//! A pipeline that was read: what it names, and its variables.

use std::collections::BTreeMap;

use wombat_model::wire::{PipelinePlace, PipelineVariable, Variables};

use super::{
    reading::{NotRead, Read, read},
    text::{Text, UseId},
    variables::{VariableUse, VariableUses},
    walk::{Found, Mistake, undecided, walk},
};
use crate::catalog::Schemas;

/// Most places of a variable in an answer.
const MOST_PLACES: usize = 16;

/// What a pipeline names.
pub(super) struct Pipeline {
    pub(super) found: Found,
    pub(super) variables: Vec<PipelineVariable>,
    /// Whether its YAML can be read.
    pub(super) is_readable: bool,
}

impl Pipeline {
    pub(super) fn read(text: &str, values: &Variables, schemas: &Schemas) -> Self {
        let uses = VariableUses::find(text, values);
        let source = Text::from_parts_of(text);
        let (mut found, left_out, is_readable) = match read(text, &uses) {
            Ok(Read {
                documents,
                left_out,
            }) => (walk(&documents, &uses, schemas), left_out, true),
            Err(NotRead::Undecided(id)) => (Found::default(), vec![id], false),
            Err(NotRead::Mistake(unreadable)) => {
                let mut found = Found::default();
                found.mistakes.insert(Mistake {
                    at: unreadable.at,
                    message: unreadable.problem,
                });
                (found, Vec::new(), false)
            }
        };
        for UseId(number) in left_out {
            let variable = &uses.all[number];
            found.deciding.insert(variable.name.clone());
            found.warnings.insert(undecided(variable, &source));
        }
        let mistakes = uses.mistakes.iter().map(|it| Mistake {
            at: source.source_position(it.offset),
            message: it.message.clone(),
        });
        found.mistakes.extend(mistakes);
        let is_deciding = |name: &str| found.deciding.contains(name);
        let variables = variables(&uses.all, values, &source, is_deciding);
        Self {
            found,
            variables,
            is_readable,
        }
    }
}

/// The variables by name. Values that were given aren't repeated.
fn variables(
    uses: &[VariableUse],
    values: &Variables,
    source: &Text,
    is_deciding: impl Fn(&str) -> bool,
) -> Vec<PipelineVariable> {
    let mut variables: BTreeMap<&str, PipelineVariable> = BTreeMap::new();
    for used in uses {
        let name = used.name.as_str();
        let variable = variables.entry(name).or_insert_with(|| PipelineVariable {
            name: name.to_owned(),
            default: None,
            places: Vec::new(),
            given: values.get(name).is_some(),
            decides: is_deciding(name),
        });
        if variable.default.is_none() {
            variable.default.clone_from(&used.default);
        }
        if variable.places.len() < MOST_PLACES {
            let at = source.source_position(used.source.start);
            variable.places.push(PipelinePlace {
                line: at.line,
                column: at.column,
            });
        }
    }
    let most = wombat_model::names::MAX_VARIABLES;
    variables.into_values().take(most).collect()
}
