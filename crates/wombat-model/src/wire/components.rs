//! `catalog.components`: components by words, whichever package brings them.

use serde::{Deserialize, Serialize};

use crate::{
    ImportPath,
    catalog::{Component, ComponentStatus},
};

/// A component that fits a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ComponentHit {
    /// The component.
    #[serde(flatten)]
    pub component: Component,
    /// How settled it is.
    pub status: ComponentStatus,
    /// A sentence of its makers on it, where the release was imported with their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Packages that bring it, fewest other components first.
    pub packages: Vec<ImportPath>,
}

/// Answer of `catalog.components` to a [`CatalogQuestion`](super::CatalogQuestion).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ComponentsAnswer {
    /// Revision of the catalog.
    pub revision: u64,
    /// Components that fit, best first; by name if no words were given.
    pub components: Vec<ComponentHit>,
    /// How many fit, also beyond the limit.
    pub total: u64,
}
