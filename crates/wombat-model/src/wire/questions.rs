//! Questions and answers of the micro service `build`, other than a build request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BuildView;
use crate::{
    BuildKey, ClaimId, DistributionName, DistributionVersion, GoVersion, Goarch, Goos, ImportPath,
    ModulePath, ModuleVersion, Presence, Status, Variant, catalog::Licence, log::LogEntry,
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
    /// Counts, if they were requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facets: Option<Facets>,
}

/// A package of a resolved request, and why it is included.
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
    /// Why it is included: requested by path, or for which component, and why it was chosen over others.
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
    /// The distribution's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DistributionName>,
    /// The distribution's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<DistributionVersion>,
    /// The least free licence of all packages in the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// About how large the binary is, in bytes: measured on linux/amd64, package by package. Left out where a size isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_bytes: Option<u64>,
    /// About how long building takes, in milliseconds: the median of builds for this platform. Left out where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_ms: Option<u64>,
    /// Remarks: packages that aren't in the catalog, platforms that weren't tried …
    pub notes: Vec<String>,
    /// Status of the build, if it was requested before.
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

/// A log entry and its place in the stream.
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
    /// Value of `after` for the next page.
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

/// Answer of `build.purge`: what was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PurgeAnswer {
    /// The removed build.
    pub id: BuildKey,
    /// Size of the binary that was removed; 0: there was none.
    pub bytes: u64,
}
