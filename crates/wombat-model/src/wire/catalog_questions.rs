//! Questions and answers of the micro service `catalog`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ResolveAnswer;
use crate::{
    Blocklist, GoVersion, ImportPath, ModulePath, ModuleVersion, Problem,
    catalog::{CatalogPackage, Component, ComponentKind, Documentation, Licence},
    request::RequestBody,
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
    /// Only this version of each module; the newest if left out.
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
    /// Whether requests without a version get it.
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

/// `catalog.select`, and the parameters of `POST /api/catalog/select`, whose body is the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectQuestion {
    /// YAML of a pipeline, of resources, or of several documents.
    pub pipeline: String,
    /// Operating system; `linux` if left out.
    #[serde(default = "linux")]
    pub goos: String,
    /// Architecture; `amd64` if left out.
    #[serde(default = "amd64")]
    pub goarch: String,
    /// Go release in full; the default of the releases that are needed if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_version: Option<String>,
    /// Level of the architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl SelectQuestion {
    /// For the default platform.
    pub fn of(pipeline: String) -> Self {
        Self {
            pipeline,
            goos: linux(),
            goarch: amd64(),
            go_version: None,
            variant: None,
        }
    }
}

fn linux() -> String {
    "linux".to_owned()
}

fn amd64() -> String {
    "amd64".to_owned()
}

/// A component that a pipeline uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FoundComponent {
    /// The component.
    #[serde(flatten)]
    pub component: Component,
    /// Line of its first use, from 1.
    pub line: usize,
    /// Column of its first use, from 1.
    pub column: usize,
    /// Whether every binary has it.
    pub base: bool,
}

/// A mistake in a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PipelineMistake {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong, and what may have been meant.
    pub message: String,
}

/// Answer to [`SelectQuestion`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SelectAnswer {
    /// What the pipeline uses, by kind and name.
    pub components: Vec<FoundComponent>,
    /// Mistakes, by line. The rest of the answer is about the parts that could be parsed.
    pub mistakes: Vec<PipelineMistake>,
    /// Why no binary for it can be built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// A request for exactly the packages that it needs, to be sent as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestBody>,
    /// What that request would build, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<ResolveAnswer>,
}
