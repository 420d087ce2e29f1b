//! `catalog.components`: components by search words, whichever package brings them.

use serde::{Deserialize, Serialize};

use crate::{
    ImportPath,
    catalog::{Component, ComponentStatus},
};

/// A component that matches a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ComponentHit {
    /// The component.
    #[serde(flatten)]
    pub component: Component,
    /// How stable it is.
    pub status: ComponentStatus,
    /// A short summary by its authors, if the release was imported with their texts.
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
    /// Components that match, best first; by name if no words were given.
    pub components: Vec<ComponentHit>,
    /// How many match, also beyond the limit.
    pub total: u64,
}
