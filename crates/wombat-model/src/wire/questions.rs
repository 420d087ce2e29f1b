//! Questions and answers of the micro services, other than a build request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BuildView;
use crate::{
    Blocklist, BuildKey, ClaimId, GoVersion, Goarch, Goos, ImportPath, ModulePath, ModuleVersion,
    Presence, Problem, Status, Variant,
    catalog::{CatalogPackage, Component, ComponentKind, Documentation, Licence},
    log::LogEntry,
    request::RequestBody,
};

/// A question without a field: an empty message or `{}`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct NoQuestion {}

/// `build.get`, `build.cancel` and `build.purge`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdQuestion {
    /// The build.
    pub id: BuildKey,
}

/// `build.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListQuestion {
    /// Words, or `field:value` with the fields package, component, module, status, goos, goarch, go, builder and
    /// created; empty: all builds.
    pub query: String,
    /// Builds a page, at most 200; 50 if left out.
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// `created`, `finished`, `size` or `duration`, with `-` in front for descending; `-created` if left out.
    pub sort: Option<String>,
    /// Whether to count the values of each field over all hits.
    pub facets: bool,
}

/// How often a value occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// In how many builds.
    pub count: u64,
}

/// Counts by field: status, goos, goarch, go, module, package and builder.
pub type Facets = BTreeMap<String, Vec<FacetCount>>;

/// Answer to [`ListQuestion`]. Its builds may be in JSON already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ListAnswer")]
pub struct ListAnswer<B = BuildView> {
    /// This page.
    pub builds: Vec<B>,
    /// Builds on all pages.
    pub total: u64,
    /// Cursor of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Counts, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facets: Option<Facets>,
}

/// A package of a resolved request, and why it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ResolvedPackage {
    /// Its import path.
    pub url: ImportPath,
    /// Its module.
    pub module: ModulePath,
    /// Its module's version.
    pub version: ModuleVersion,
    /// Whether it was added because no pipeline runs without it.
    pub base: bool,
    /// Its licence, where the catalog knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// Why it is in: asked for, or for which component, and why rather than another.
    pub reason: String,
}

/// Answer of `build.resolve`: what would be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolveAnswer {
    /// The id that the build has or would have.
    pub id: BuildKey,
    /// Operating system.
    pub goos: Goos,
    /// Architecture.
    pub goarch: Goarch,
    /// Level of the architecture.
    pub variant: Variant,
    /// Go release.
    #[serde(rename = "goversion")]
    pub go_version: GoVersion,
    /// Packages, sorted.
    pub packages: Vec<ResolvedPackage>,
    /// Exact versions.
    pub modules: BTreeMap<ModulePath, ModuleVersion>,
    /// The module whose own `go.mod` is the base of the module graph.
    pub graph: ModulePath,
    /// The least free licence of all packages in the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// About how large the binary is, in bytes: measured on linux/amd64, package by package. Left out where a size isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_bytes: Option<u64>,
    /// About how long building takes, in milliseconds: the median of builds for this platform. Left out where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_ms: Option<u64>,
    /// What one should know: packages that aren't in the catalog, platforms that weren't tried …
    pub notes: Vec<String>,
    /// Status of the build, if it was asked for before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// `build.log`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogQuestion {
    /// The build.
    pub id: BuildKey,
    /// `next` of the page before; 0: from the beginning.
    #[serde(default)]
    pub after: u64,
    /// Entries a page, at most 1000; 200 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A log entry and where it stands in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoggedEntry {
    /// Sequence in `BUILD_LOGS`.
    pub sequence: u64,
    /// The claim that it belongs to.
    pub claim: ClaimId,
    /// The entry.
    #[serde(flatten)]
    pub entry: LogEntry,
}

/// A phase of a build, among those of all builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PhaseOfBuild {
    /// The build.
    pub id: BuildKey,
    /// A claim, a phase or an end, as in the build's own log.
    #[serde(flatten)]
    pub logged: LoggedEntry,
}

/// Answer to [`LogQuestion`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LogAnswer {
    /// Entries, oldest first.
    pub entries: Vec<LoggedEntry>,
    /// Ask with this as `after` for what comes next.
    pub next: u64,
    /// Whether the build is finished and this page reaches its end.
    pub end: bool,
}

/// Answer of `build.builders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BuildersAnswer {
    /// Builders that are alive, by id.
    pub builders: Vec<Presence>,
}

/// Answer of `build.purge`: what is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PurgeAnswer {
    /// The build that was.
    pub id: BuildKey,
    /// Size of the binary that was removed; 0: there was none.
    pub bytes: u64,
}

/// `catalog.block`: the list to be, in place of the one there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockQuestion {
    /// All that is blocked from now on.
    pub modules: Blocklist,
    /// Revision of the list that this one was made from; another one is refused. Left out: whatever there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// Answer of `catalog.blocklist` and `catalog.block`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BlocklistAnswer {
    /// All that is blocked.
    pub modules: Blocklist,
    /// Revision of the list; 0: there never was one.
    pub revision: u64,
}

/// `catalog.search` for packages, `catalog.components` for components.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogQuestion {
    /// Words to be found in names of components and packages, and in what is said of them; empty: everything.
    pub query: String,
    /// Only components of this kind, or packages with such.
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
    /// Go releases that it can be built with, newest first.
    pub go_versions: Vec<GoVersion>,
    /// Versions of other catalog modules that it asks for.
    pub requires: BTreeMap<ModulePath, ModuleVersion>,
    /// Whether it is what a request without a version gets.
    pub newest: bool,
}

/// A package that fits a search.
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
    /// Packages that fit, best first; by path if no words were given.
    pub packages: Vec<PackageHit>,
    /// How many fit, also beyond the limit.
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
    /// What is known of it, kind by kind. Its makers' words are part of it where the release was imported with them.
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
    /// Go release in full; the newest on offer if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_version: Option<String>,
    /// Level of the architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl SelectQuestion {
    /// For the platform that is meant where none is named.
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

/// Something in a pipeline that can't be right.
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
    /// What can't be right, by line. The rest of the answer is about what could be read.
    pub mistakes: Vec<PipelineMistake>,
    /// Why no binary for it can be built here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// A request for exactly what it needs, to be sent as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestBody>,
    /// What that request would build, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<ResolveAnswer>,
}
