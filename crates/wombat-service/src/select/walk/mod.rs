//! Finds the components that a pipeline uses, by the fields that components declare: an `input` in a `broker`, a
//! processor in a `branch`, a method in a mapping. A name somewhere in a text doesn't count.
//!
//! Here: what is found, and limits · *fields*: documents and fields · *shapes*: lists, maps and single values · *leaves*:
//! types and options · *component*: what a field of such a type holds · *block*: the keys of a component · *labels* ·
//! *calls*: mappings · *strict*: what strict error handling rules out · *decisions*: variables that decide · *words*: for
//! people.

mod block;
mod calls;
mod component;
mod decisions;
mod fields;
mod labels;
mod leaves;
mod shapes;
mod strict;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::catalog::{Component, ComponentKind};

use super::{
    bloblang::Grammar,
    document::{MAX_DEPTH, NodeId, YamlDocuments},
    rules::Rule,
    text::Position,
    variables::VariableUses,
};
use crate::catalog::Schemas;
pub(super) use decisions::undecided;

/// Most steps of a walk: aliases of aliases make a pipeline larger than its text.
const MOST_STEPS: usize = 100_000;
/// Most mistakes, and most warnings, that are reported.
const MOST_PROBLEMS: usize = 100;
/// Most calls in mappings with variables that are looked at for whether a variable is part of them.
const MOST_LOOKED_AT: usize = 500;
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
    /// Names of variables that decide what is needed.
    pub(super) deciding: BTreeSet<String>,
}

/// Walks all documents.
pub(super) fn walk(documents: &YamlDocuments, uses: &VariableUses, schemas: &Schemas) -> Found {
    let mut walk = Walk {
        documents,
        uses,
        schemas,
        is_linted: !documents.source().as_str().starts_with(LINT_DISABLED),
        is_direct: false,
        templates: BTreeSet::new(),
        labels: BTreeMap::new(),
        catches: Vec::new(),
        grammar: Grammar::new(schemas),
        looks_left: MOST_LOOKED_AT,
        found: Found::default(),
        steps: 0,
        depth: 0,
    };
    for root in &documents.roots {
        walk.learn_template(*root);
    }
    for root in &documents.roots {
        walk.document(*root);
    }
    walk.found
}

struct Walk<'a> {
    documents: &'a YamlDocuments,
    uses: &'a VariableUses,
    schemas: &'a Schemas,
    /// Unknown fields are mistakes.
    is_linted: bool,
    /// What stands here is read when the pipeline is, and not only when it runs.
    is_direct: bool,
    /// Components that the text itself defines.
    templates: BTreeSet<Component>,
    /// Labels of a document, and where they are.
    labels: BTreeMap<&'a str, NodeId>,
    /// Where `catch` processors are.
    catches: Vec<NodeId>,
    grammar: Grammar<'a>,
    /// How many more calls may be looked at.
    looks_left: usize,
    found: Found,
    steps: usize,
    depth: usize,
}

/// The kind of component that a field of this type holds.
fn kind_of(type_name: &str) -> Option<ComponentKind> {
    Some(match type_name {
        "input" => ComponentKind::Input,
        "output" => ComponentKind::Output,
        "processor" => ComponentKind::Processor,
        "cache" => ComponentKind::Cache,
        "buffer" => ComponentKind::Buffer,
        "rate_limit" => ComponentKind::RateLimit,
        "metrics" => ComponentKind::Metric,
        "tracer" => ComponentKind::Tracer,
        "scanner" => ComponentKind::Scanner,
        _ => return None,
    })
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

    fn warn_at(&mut self, node: NodeId, message: impl Into<String>) {
        if self.may_warn() {
            self.found.warnings.insert(Mistake {
                at: self.documents.position(node),
                message: message.into(),
            });
        }
    }

    fn may_warn(&self) -> bool {
        self.found.warnings.len() < MOST_PROBLEMS
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
        self.steps += 1;
        if self.steps == MOST_STEPS {
            let message = format!(
                "This pipeline is too large: it has over {MOST_STEPS} values, aliases included."
            );
            let at = self.documents.position(node);
            self.found.mistakes.insert(Mistake { at, message });
        }
        self.steps < MOST_STEPS
    }
}
