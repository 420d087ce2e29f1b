//! Finds the components that a pipeline uses, by the fields that components declare: an `input` in a `broker`, a
//! processor in a `branch`, a method in a mapping. A name somewhere in a text doesn't count.
//!
//! Here: what is found · *budget*: limits of all walks · *role*: what a document is · *documents*: by their roles ·
//! *fields*: which there are · *shapes*: lists, maps and single values · *leaves*: types and options · *component*: what a
//! field of such a type holds · *block*: the keys of a component · *labels* · *calls*: mappings · *named*: files that are
//! named · *template*: templates · *strict*: what strict error handling rules out · *decisions*: variables that decide ·
//! *words*: for people.

mod block;
mod budget;
mod calls;
mod component;
mod decisions;
mod documents;
mod fields;
mod labels;
mod leaves;
mod named;
mod role;
mod shapes;
mod strict;
mod template;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::catalog::Component;

use super::{
    bloblang::Grammar,
    document::{MAX_DEPTH, NodeId, YamlDocuments},
    rules::Rule,
    templates::Templates,
    text::Position,
    variables::VariableUses,
};
use crate::catalog::Schemas;
use budget::MOST_STEPS;
pub(super) use budget::WalkBudget;
pub(super) use decisions::undecided;
pub(super) use named::NamedFile;
pub(super) use role::{Role, Roles};

/// Most mistakes, warnings and notes that are reported, of each.
pub(super) const MOST_PROBLEMS: usize = 100;
/// A first line that turns `lint` off.
const LINT_DISABLED: &str = "# BENTHOS LINT DISABLE";

/// A mistake, and its position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mistake {
    pub(super) at: Position,
    pub(super) message: String,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Components, and the first position of each.
    pub(super) components: BTreeMap<Component, Position>,
    /// Packages that are needed although no component names them.
    pub(super) rules: BTreeMap<&'static Rule, Position>,
    pub(super) mistakes: BTreeSet<Mistake>,
    pub(super) warnings: BTreeSet<Mistake>,
    pub(super) notes: BTreeSet<Mistake>,
    /// Names of variables that decide what is needed.
    pub(super) deciding: BTreeSet<String>,
    /// Files that are named, by path.
    pub(super) named: BTreeMap<String, NamedFile>,
    /// The first component that only Bento has.
    pub(super) of_bento: Option<Position>,
}

/// What components there are.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) schemas: &'a Schemas,
    pub(super) templates: &'a Templates,
    /// A package of the question whose components the catalog doesn't know.
    pub(super) outside: Option<&'a str>,
}

/// Walks all documents, each by its role.
pub(super) fn walk(
    documents: &YamlDocuments,
    roles: &[Role],
    uses: &VariableUses,
    known: Known<'_>,
    budget: &mut WalkBudget,
) -> Found {
    let mut walk = Walk {
        documents,
        uses,
        schemas: known.schemas,
        templates: known.templates,
        outside: known.outside,
        is_linted: !documents.source().as_str().starts_with(LINT_DISABLED),
        is_direct: false,
        labels: BTreeMap::new(),
        catches: Vec::new(),
        grammar: Grammar::new(known.schemas, &mut budget.queries_left),
        looks_left: &mut budget.looks_left,
        found: Found::default(),
        steps: &mut budget.steps,
        depth: 0,
    };
    for (root, role) in documents.roots.iter().zip(roles) {
        walk.document(*root, role);
    }
    if roles.iter().any(|role| *role != Role::Unknown) {
        walk.named_by_values();
    }
    walk.found
}

struct Walk<'a> {
    documents: &'a YamlDocuments,
    uses: &'a VariableUses,
    schemas: &'a Schemas,
    templates: &'a Templates,
    outside: Option<&'a str>,
    /// Unknown fields are mistakes.
    is_linted: bool,
    /// What stands here is read when the pipeline is, and not only when it runs.
    is_direct: bool,
    /// Labels of a pipeline, and where they are.
    labels: BTreeMap<&'a str, NodeId>,
    /// Where `catch` processors of a pipeline are.
    catches: Vec<NodeId>,
    grammar: Grammar<'a>,
    looks_left: &'a mut usize,
    found: Found,
    steps: &'a mut usize,
    depth: usize,
}

impl Walk<'_> {
    fn mistake(&mut self, at: Position, message: impl Into<String>) {
        if self.may_report() {
            let message = message.into();
            self.found.mistakes.insert(Mistake { at, message });
        }
    }

    fn mistake_at(&mut self, node: NodeId, message: impl Into<String>) {
        if self.may_report() {
            self.mistake(self.documents.position(node), message);
        }
    }

    fn may_report(&self) -> bool {
        self.found.mistakes.len() < MOST_PROBLEMS
    }

    /// What lint refuses, and a pipeline that runs without it ignores.
    fn lint(&mut self, node: NodeId, message: impl Into<String>) {
        if self.is_linted {
            self.mistake_at(node, message);
        }
    }

    /// What lint accepts, although a pipeline with it doesn't start.
    fn accepted_by_lint(&mut self, node: NodeId, message: &str) {
        let end = "`lint` accepts this, but such a pipeline doesn't start.";
        self.warn_at(node, format!("{message} {end}"));
    }

    fn may_warn(&self) -> bool {
        self.found.warnings.len() < MOST_PROBLEMS
    }

    fn warn(&mut self, at: Position, message: impl Into<String>) {
        if self.may_warn() {
            let message = message.into();
            self.found.warnings.insert(Mistake { at, message });
        }
    }

    fn warn_at(&mut self, node: NodeId, message: impl Into<String>) {
        if self.may_warn() {
            self.warn(self.documents.position(node), message);
        }
    }

    fn note(&mut self, at: Position, message: impl Into<String>) {
        if self.found.notes.len() < MOST_PROBLEMS {
            let message = message.into();
            self.found.notes.insert(Mistake { at, message });
        }
    }

    /// Walks a value and what it holds, within the limits.
    fn within(&mut self, node: NodeId, walk: impl FnOnce(&mut Self)) {
        if !self.step(node) {
            return;
        }
        if self.depth == MAX_DEPTH {
            let message = format!("Values are nested at most {MAX_DEPTH} deep, aliases included.");
            return self.mistake_at(node, message);
        }
        self.depth += 1;
        walk(self);
        self.depth -= 1;
    }

    /// Counts a step; `false` once there were too many.
    fn step(&mut self, node: NodeId) -> bool {
        *self.steps += 1;
        if *self.steps == MOST_STEPS {
            let message = format!(
                "This pipeline is too large: it has over {MOST_STEPS} values, aliases included."
            );
            let at = self.documents.position(node);
            self.found.mistakes.insert(Mistake { at, message });
        }
        *self.steps < MOST_STEPS
    }
}
