//! A text of a question: what it holds, and what it names.

use wombat_model::wire::{FileRole, SelectQuestion};

use super::{
    document::{Effort, YamlDocuments},
    folder,
    reading::{NotRead, Read, read},
    sources::Source,
    text::{Position, Text, UseId},
    variables::{VariableBudget, VariableUses},
    walk::{Found, Known, Mistake, Role, Roles, WalkBudget, undecided, walk},
};

/// A text that was read.
pub(super) struct TextFile<'a> {
    pub(super) source: &'a Source,
    pub(super) uses: VariableUses,
    pub(super) content: Content,
    pub(super) roles: Vec<Role>,
    pub(super) found: Found,
    /// A configuration names it.
    pub(super) is_named: bool,
}

/// What a text holds.
pub(super) enum Content {
    Documents(YamlDocuments),
    /// It can't be read.
    Nothing,
}

impl<'a> TextFile<'a> {
    pub(super) fn read(
        source: &'a Source,
        question: &SelectQuestion,
        budget: &mut VariableBudget,
        effort: &mut Effort,
    ) -> Self {
        if folder::is_mapping(source.path()) {
            return Self::mapping(source);
        }
        let text = source.text.as_str();
        let uses = VariableUses::find(text, &question.variables, budget);
        let places = Text::from_parts_of(text);
        let mut found = Found::default();
        let mut open = Vec::new();
        let content = match read(text, &uses, effort) {
            Ok(Read {
                documents,
                left_out,
            }) => {
                open = left_out;
                Content::Documents(documents)
            }
            Err(NotRead::Undecided(id)) => {
                open.push(id);
                Content::Nothing
            }
            Err(NotRead::Mistake(unreadable)) => {
                found.mistakes.insert(Mistake {
                    at: unreadable.at,
                    message: unreadable.problem,
                });
                Content::Nothing
            }
        };
        for UseId(number) in open {
            let variable = &uses.all[number];
            found.deciding.insert(variable.name.clone());
            found.warnings.insert(undecided(variable, &places));
        }
        let mistakes = uses.mistakes.iter().map(|it| Mistake {
            at: places.source_position(it.offset),
            message: it.message.clone(),
        });
        found.mistakes.extend(mistakes);
        Self {
            source,
            uses,
            content,
            roles: Vec::new(),
            found,
            is_named: false,
        }
    }

    /// A file that is a mapping as a whole. Benthos replaces no variables in it.
    pub(super) fn mapping(source: &'a Source) -> Self {
        let uses = VariableUses::none();
        let documents = YamlDocuments::of_text(&source.text, uses.placeholder);
        Self {
            source,
            uses,
            content: Content::Documents(documents),
            roles: vec![Role::Mapping],
            found: Found::default(),
            is_named: false,
        }
    }

    pub(super) fn walk(&mut self, known: Known<'_>, is_only: bool, budget: &mut WalkBudget) {
        let Content::Documents(documents) = &self.content else {
            return;
        };
        if self.roles.is_empty() {
            let roles = Roles {
                documents,
                path: self.source.path(),
                is_only,
                schemas: known.schemas,
                templates: known.templates,
            };
            self.roles = roles.all();
        }
        let mut found = walk(documents, &self.roles, &self.uses, known, budget);
        found.mistakes.append(&mut self.found.mistakes);
        found.warnings.append(&mut self.found.warnings);
        found.deciding.append(&mut self.found.deciding);
        self.found = found;
    }

    /// Whether it is something that isn't known otherwise, and so may be what another file names it as.
    pub(super) fn is_unknown(&self) -> bool {
        match &self.content {
            Content::Nothing => true,
            // A file without documents is empty.
            Content::Documents(_) => {
                !self.roles.is_empty() && self.roles.iter().all(|role| *role == Role::Unknown)
            }
        }
    }

    pub(super) fn roles(&self) -> Vec<FileRole> {
        if self.source.text.trim().is_empty() {
            return vec![FileRole::Empty];
        }
        if self.is_unknown() {
            let role = if self.is_named {
                FileRole::Data
            } else {
                FileRole::Unknown
            };
            return vec![role];
        }
        let mut roles = Vec::new();
        for role in self.roles.iter().map(Role::of_file) {
            if !roles.contains(&role) && role != FileRole::Empty {
                roles.push(role);
            }
        }
        if roles.is_empty() {
            roles.push(FileRole::Empty);
        }
        roles
    }

    /// A file that can't be taken isn't a mistake of the pipeline if its name is no configuration's.
    pub(super) fn settle(&mut self, is_only: bool) {
        if is_only || !self.is_unknown() || self.source.text.trim().is_empty() {
            return;
        }
        if self.is_named {
            self.found = Found::default();
        } else if !folder::may_be_yaml(self.source.path()) {
            let at = Position { line: 1, column: 1 };
            let message = "Not taken: it is no YAML, and no mapping that a configuration names; names of mappings end with `.blobl`.".to_owned();
            self.found = Found::default();
            self.found.notes.insert(Mistake { at, message });
        }
    }
}
