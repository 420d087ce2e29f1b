//! What is made so far of a pipeline.

use std::collections::BTreeSet;

use wombat_model::catalog::Component;

use super::{
    catalog::Catalog,
    random::Random,
    tree::{Entry, Node, ScalarRole},
};

/// Makes the values of one pipeline.
#[derive(Debug)]
pub(super) struct Maker<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) random: Random,
    /// What was used.
    pub(super) found: BTreeSet<Component>,
    labels: usize,
    /// How many names before `->` there are.
    pub(super) names: usize,
    /// How many more values there may be.
    pub(super) budget: usize,
}

impl<'a> Maker<'a> {
    pub(super) fn new(catalog: &'a Catalog, random: Random) -> Self {
        Self {
            catalog,
            random,
            found: BTreeSet::new(),
            labels: 0,
            names: 0,
            budget: 60,
        }
    }

    /// A label of its own.
    pub(super) fn label(&mut self) -> Entry {
        self.labels += 1;
        let label = format!("label_{}", self.labels);
        Entry::new("label", Node::text(label, ScalarRole::Label))
    }
}
