//! Questions and answers of the micro service `catalog`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Blocklist, GoVersion, ImportPath, ModulePath, ModulePattern, ModuleVersion,
    catalog::{CatalogPackage, Component, ComponentKind, Documentation, Licence, Unfetched},
};

/// `catalog.block`: replaces the blocklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockQuestion {
    /// The new blocklist.
    pub modules: Blocklist,
    /// Revision of the list that this one replaces; refused if the list has another one. Left out: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// Answer of `catalog.blocklist` and `catalog.block`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BlocklistAnswer {
    /// The blocklist.
    pub modules: Blocklist,
    /// Revision of the list; 0: it was never written.
    pub revision: u64,
    /// After a change: the finished builds that the list hits. Left out while the builds are still being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<BlocklistEffect>,
}

/// The finished builds with a binary that a blocklist hits: their binaries aren't served or run any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlocklistEffect {
    /// How many builds are hit.
    pub builds: u64,
    /// How many each entry hits; entries that hit none are left out.
    pub by_entry: BTreeMap<ModulePattern, u64>,
    /// How many weren't compared completely, since there was no time to read all of their modules, or they aren't
    /// recorded. Each download compares them.
    pub unread: u64,
}

/// `catalog.search` for packages, `catalog.components` for components.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogQuestion {
    /// Words to find in the names and the documentation of components and packages; empty: everything.
    pub query: String,
    /// Only components of this kind, or packages with such components.
    pub kind: Option<ComponentKind>,
    /// Only this module.
    pub module: Option<ModulePath>,
    /// Only this version of each module; the default if left out.
    pub version: Option<ModuleVersion>,
    /// Most packages or components in the answer; 200 if left out.
    pub limit: Option<u32>,
}

/// A release without its packages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseSummary {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// What people call it.
    pub title: String,
    /// Go releases that it can be built with: the default, the newest of each other line, then the others.
    pub go_versions: Vec<GoVersion>,
    /// Versions of other catalog modules that it requires.
    pub requires: BTreeMap<ModulePath, ModuleVersion>,
    /// Its packages that couldn't be tried, since something that they need couldn't be had. They are tried again daily.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unfetched: BTreeMap<ImportPath, Unfetched>,
    /// Whether requests without a version get it: the newest release that offers every package of the ones before it,
    /// or the operator's choice.
    pub newest: bool,
}

/// A package that matches a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PackageHit {
    /// Its module.
    pub module: ModulePath,
    /// Its module's version.
    pub version: ModuleVersion,
    /// The package.
    #[serde(flatten)]
    pub package: CatalogPackage,
}

/// Answer to [`CatalogQuestion`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CatalogAnswer {
    /// Revision of the catalog.
    pub revision: u64,
    /// Every release, newest first within its module.
    pub releases: Vec<ReleaseSummary>,
    /// Packages that match, best first; by path if no words were given.
    pub packages: Vec<PackageHit>,
    /// How many match, also beyond the limit.
    pub total: u64,
}

/// `catalog.component`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentQuestion {
    /// `name` or `kind/name`.
    pub component: String,
}

/// A package that brings a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ComponentProvider {
    /// The component.
    pub component: Component,
    /// The package.
    pub package: ImportPath,
    /// Its module.
    pub module: ModulePath,
    /// Its module's version.
    pub version: ModuleVersion,
    /// Its licence.
    pub licence: Licence,
}

/// Answer to [`ComponentQuestion`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ComponentAnswer {
    /// Every package of the newest releases that brings it, fewest other components first.
    pub providers: Vec<ComponentProvider>,
    /// Its documentation, kind by kind, with its authors' texts if the release was imported with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documentation: Vec<Documentation>,
}
