//! What was found in all texts of a question, each place with its file.

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::{
    catalog::Component,
    names::MAX_VARIABLES,
    wire::{PipelineMistake, PipelinePlace, PipelineVariable, Variables},
};

use super::{
    rules::Rule,
    sources::Source,
    text::{Position, Text},
    variables::VariableUses,
    walk::{Found, MOST_PROBLEMS, Mistake},
};

/// Most places of a variable in an answer.
const MOST_PLACES: usize = 16;

/// What was found so far.
#[derive(Default)]
pub(super) struct Merged {
    /// Components, and the first place of each.
    pub(super) components: BTreeMap<Component, PipelinePlace>,
    pub(super) rules: BTreeSet<&'static Rule>,
    pub(super) mistakes: Vec<PipelineMistake>,
    pub(super) warnings: Vec<PipelineMistake>,
    pub(super) notes: Vec<PipelineMistake>,
    variables: BTreeMap<String, PipelineVariable>,
    deciding: BTreeSet<String>,
}

impl Merged {
    /// Adds what was found in a text.
    pub(super) fn add(&mut self, source: &Source, found: Found) {
        for (component, at) in found.components {
            let place = || place(source, at);
            self.components.entry(component).or_insert_with(place);
        }
        self.rules.extend(found.rules.into_keys());
        self.deciding.extend(found.deciding);
        add(&mut self.mistakes, source, found.mistakes, "mistakes");
        add(&mut self.warnings, source, found.warnings, "warnings");
        add(&mut self.notes, source, found.notes, "notes");
    }

    pub(super) fn note(&mut self, source: &Source, note: Mistake) {
        add(&mut self.notes, source, [note], "notes");
    }

    /// Adds a note at a place of a file.
    pub(super) fn note_at(&mut self, file: Option<String>, note: Mistake) {
        if self.notes.len() < MOST_PROBLEMS {
            self.notes.push(PipelineMistake {
                file,
                line: note.at.line,
                column: note.at.column,
                message: note.message,
            });
        }
    }

    /// Adds the variables of a text. Values that were given aren't repeated.
    pub(super) fn add_variables(
        &mut self,
        source: &Source,
        uses: &VariableUses,
        values: &Variables,
    ) {
        if uses.all.is_empty() {
            return;
        }
        let text = Text::from_parts_of(&source.text);
        for used in &uses.all {
            let name = used.name.as_str();
            if !self.variables.contains_key(name) {
                if self.variables.len() >= MAX_VARIABLES {
                    continue;
                }
                let variable = PipelineVariable {
                    name: name.to_owned(),
                    default: None,
                    places: Vec::new(),
                    given: values.get(name).is_some(),
                    decides: false,
                };
                self.variables.insert(name.to_owned(), variable);
            }
            if let Some(variable) = self.variables.get_mut(name) {
                if variable.default.is_none() {
                    variable.default.clone_from(&used.default);
                }
                if variable.places.len() < MOST_PLACES {
                    let at = text.source_position(used.source.start);
                    variable.places.push(place(source, at));
                }
            }
        }
    }

    /// The variables by name.
    pub(super) fn variables(&mut self) -> Vec<PipelineVariable> {
        let all = std::mem::take(&mut self.variables).into_values();
        all.map(|variable| PipelineVariable {
            decides: self.deciding.contains(&variable.name),
            ..variable
        })
        .collect()
    }
}

fn place(source: &Source, at: Position) -> PipelinePlace {
    let at = source.place(at);
    PipelinePlace {
        file: source.name.clone(),
        line: at.line,
        column: at.column,
    }
}

/// Adds messages, up to the limit, whose number the last one names.
fn add(
    to: &mut Vec<PipelineMistake>,
    source: &Source,
    messages: impl IntoIterator<Item = Mistake>,
    what: &str,
) {
    for message in messages {
        if to.len() > MOST_PROBLEMS {
            return;
        }
        let PipelinePlace { file, line, column } = place(source, message.at);
        let message = if to.len() == MOST_PROBLEMS {
            format!("There are more {what}; {MOST_PROBLEMS} are shown.")
        } else {
            message.message
        };
        to.push(PipelineMistake {
            file,
            line,
            column,
            message,
        });
    }
}
