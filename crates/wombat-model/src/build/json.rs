//! The JSON of a record: the original's fields under their original names, and additional ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{TemplateJson, TimeField};
use crate::{
    ArtifactName, BuilderId, ClaimId, DistributionName, DistributionVersion, FailureClass,
    GoVersion, Goarch, Goos, ImportPath, ModulePath, ModuleVersion, SandboxLevel, Sha256, Status,
    Variant,
    log::{LogEnd, Phase},
    plain_text::json::serialize_optional_lines,
};

/// A package of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PackageJson {
    /// Its import path.
    pub url: ImportPath,
    /// Its module.
    pub module: ModulePath,
    /// Whether it was added because no pipeline runs without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base: bool,
}

/// Why a build failed, for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailureJson {
    /// Who has to act. `input` and `compile` are final; for the others, a retry may help.
    pub class: FailureClass,
    /// The package that caused it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<ImportPath>,
}

/// A build as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuildJson {
    /// Operating system.
    pub goos: Goos,
    /// Architecture.
    pub goarch: Goarch,
    /// Level of the architecture.
    pub variant: Variant,
    /// Go release.
    #[serde(rename = "goversion")]
    pub go_version: GoVersion,
    /// What the binary imports, sorted.
    pub packages: Vec<PackageJson>,
    /// Exact version of every module that a package comes from.
    pub modules: BTreeMap<ModulePath, ModuleVersion>,
    /// The module whose own `go.mod` is the base of the module graph.
    pub graph: ModulePath,
    /// Version of the rules that make `main.go`, `go.mod` and the command.
    #[schemars(with = "u32")]
    pub template: TemplateJson,
    /// The distribution's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DistributionName>,
    /// The distribution's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<DistributionVersion>,
    /// Build tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Linker flags.
    pub ldflags: String,
    /// Revision of the catalog that the request was resolved with.
    #[serde(default)]
    pub catalog_revision: u64,
    /// Status of the build.
    pub status: Status,
    /// How many claims there were.
    #[serde(default)]
    pub attempt: u32,
    /// The builder that is working on it, or did last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<BuilderId>,
    /// Its claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimId>,
    /// The object that holds the binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactName>,
    /// Bytes of the binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Digest of the binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// The builder that made the binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_by: Option<BuilderId>,
    /// How strictly the compilers that made the binary were sandboxed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxLevel>,
    /// Retention removed the binary; a new request rebuilds it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// Why it failed, for people.
    #[serde(
        default,
        serialize_with = "serialize_optional_lines",
        skip_serializing_if = "Option::is_none"
    )]
    pub error: Option<String>,
    /// Why it failed, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureJson>,
    /// Why the last forced rebuild failed; the earlier binary is still served.
    #[serde(
        default,
        serialize_with = "serialize_optional_lines",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_error: Option<String>,
    /// A rebuild gave different bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_reproducible: bool,
    /// Digest of the binary before that rebuild.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_sha256: Option<Sha256>,
    /// When it was requested.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String")]
    pub requested: OffsetDateTime,
    /// When the present or last claim began.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub claimed: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub finished: Option<OffsetDateTime>,
    /// Milliseconds that each phase took.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timings: BTreeMap<Phase, u64>,
    /// In a record: its schema; absent: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub schema: Option<u64>,
    /// In a record: the time whose value is only a lower bound, since the record's own message has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub message_time: Option<TimeField>,
    /// Fields of a newer version.
    #[serde(flatten, skip_deserializing)]
    #[schemars(skip)]
    pub unknown: BTreeMap<String, Value>,
    /// Where the log of the last claim ends. Absent if its builder didn't end the build: cancelled, or lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogEnd>,
}

/// The status and the binary of a build: the part of a record that is read where all records are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BuildOutline {
    /// Status of the build.
    pub status: Status,
    /// The object that holds the binary.
    #[serde(default)]
    pub artifact: Option<ArtifactName>,
    /// Bytes of the binary.
    #[serde(default)]
    pub size: Option<u64>,
    /// Digest of the binary.
    #[serde(default)]
    pub sha256: Option<Sha256>,
    /// Exact version of every module that a package comes from.
    #[serde(default)]
    pub modules: BTreeMap<ModulePath, ModuleVersion>,
    /// Retention removed the binary.
    #[serde(default)]
    pub expired: bool,
    /// When it ended.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub finished: Option<OffsetDateTime>,
    /// The time whose value the record's own message has.
    #[serde(default, rename = "messageTime")]
    pub message_time: Option<TimeField>,
}
