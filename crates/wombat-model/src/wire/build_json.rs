//! The JSON of a record: the original's fields under their names, ours beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    Artifact, ArtifactName, Build, BuildSpec, BuildState, BuilderId, ClaimId, Failure,
    FailureClass, GoVersion, Goarch, Goos, Holder, ImportPath, InvalidSpec, ModulePath,
    ModuleVersion, Package, ParsePlatformError, Platform, SandboxLevel, Sha256, Status, Target,
    TimeField, Variant,
    log::{LogEnd, Phase},
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
    /// Who has to act: `input` and `compile` are final, the others may go away.
    pub class: FailureClass,
    /// The package to blame, where one is.
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
    pub template: u32,
    /// Build tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Linker flags.
    pub ldflags: String,
    /// Revision of the catalog that the request was resolved with.
    #[serde(default)]
    pub catalog_revision: u64,
    /// Where the build stands.
    pub status: Status,
    /// How many claims there were.
    #[serde(default)]
    pub attempt: u32,
    /// The builder that is at it, or was the last.
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
    /// What the compilers that made the binary were held by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxLevel>,
    /// Retention removed the binary; ask again to have it rebuilt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// Why it failed, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it failed, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureJson>,
    /// Why the last forced rebuild gave nothing; the earlier binary is still served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// A rebuild gave other bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_reproducible: bool,
    /// Digest of the binary before that rebuild.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_sha256: Option<Sha256>,
    /// When it was asked for.
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
    /// In a record: the time whose value is only a lower bound, since the record's own message has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub message_time: Option<TimeField>,
    /// Fields of a newer version.
    #[serde(flatten, skip_deserializing)]
    #[schemars(skip)]
    pub unknown: BTreeMap<String, Value>,
    /// Where the log of the last claim ends. Absent where its builder didn't end the build: it was cancelled, or the builder is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogEnd>,
}

/// What a record says of where its build stands, and of its binary: all that who looks after many of them has to read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BuildOutline {
    /// Where the build stands.
    pub status: Status,
    /// The object that holds the binary.
    #[serde(default)]
    pub artifact: Option<ArtifactName>,
    /// Bytes of the binary.
    #[serde(default)]
    pub size: Option<u64>,
    /// Retention removed the binary.
    #[serde(default)]
    pub expired: bool,
    /// When it ended.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub finished: Option<OffsetDateTime>,
    /// The time that is the message's own.
    #[serde(default, rename = "messageTime")]
    pub message_time: Option<TimeField>,
}

/// The JSON isn't a build that could have come about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// The spec doesn't hold together.
    #[error(transparent)]
    Spec(#[from] InvalidSpec),
    /// No such platform.
    #[error(transparent)]
    Platform(#[from] ParsePlatformError),
    /// A field that this status needs isn't there.
    #[error("a build that is `{status}` needs `{field}`")]
    Missing {
        /// The status.
        status: Status,
        /// The field.
        field: &'static str,
    },
}

impl From<Build> for BuildJson {
    fn from(build: Build) -> Self {
        let status = build.status();
        let holder = build.holder().cloned();
        let platform = build.spec.target.platform();
        let (artifact, expired, failure) = match build.state {
            BuildState::New { kept } | BuildState::Building { kept, .. } => (kept, false, None),
            BuildState::Success {
                artifact, expired, ..
            } => (Some(artifact), expired, None),
            BuildState::Failed { failure, .. } => (None, false, Some(failure)),
            BuildState::Cancelled { .. } => (None, false, None),
        };
        let (builder, claim) = holder.map(|by| (by.builder, by.claim)).unzip();
        let (error, failure) = failure
            .map(|failure| {
                (
                    failure.message,
                    FailureJson {
                        class: failure.class,
                        package: failure.package,
                    },
                )
            })
            .unzip();
        Self {
            goos: platform.goos(),
            goarch: platform.goarch(),
            variant: build.spec.target.variant(),
            go_version: build.spec.go,
            packages: build
                .spec
                .packages
                .into_iter()
                .map(|(url, package)| PackageJson {
                    url,
                    module: package.module,
                    base: package.base,
                })
                .collect(),
            modules: build.spec.modules,
            graph: build.spec.graph,
            template: build.spec.template,
            tags: build.spec.tags,
            ldflags: build.spec.ldflags,
            catalog_revision: build.catalog_revision,
            status,
            attempt: build.attempt,
            builder,
            claim,
            artifact: artifact.as_ref().map(|artifact| artifact.name.clone()),
            size: artifact.as_ref().map(|artifact| artifact.size),
            sha256: artifact.as_ref().map(|artifact| artifact.sha256.clone()),
            sandbox: artifact.as_ref().and_then(|artifact| artifact.sandbox),
            built_by: artifact.map(|artifact| artifact.builder),
            expired,
            error,
            failure,
            last_error: build.last_error,
            not_reproducible: build.other_sha256.is_some(),
            other_sha256: build.other_sha256,
            requested: build.requested,
            claimed: build.claimed,
            finished: build.finished,
            timings: build.timings,
            message_time: build.message_time,
            unknown: build.unknown,
            log: build.log,
        }
    }
}

impl TryFrom<BuildJson> for Build {
    type Error = InvalidRecord;

    fn try_from(json: BuildJson) -> Result<Self, InvalidRecord> {
        let status = json.status;
        let missing = |field| InvalidRecord::Missing { status, field };
        let holder = json
            .builder
            .zip(json.claim)
            .map(|(builder, claim)| Holder { builder, claim });
        let artifact = match (json.artifact, json.size, json.sha256, json.built_by) {
            (Some(name), Some(size), Some(sha256), Some(builder)) => Some(Artifact {
                name,
                size,
                sha256,
                builder,
                sandbox: json.sandbox,
            }),
            _ => None,
        };
        let state = match status {
            Status::New => BuildState::New { kept: artifact },
            Status::Building => BuildState::Building {
                by: holder.ok_or_else(|| missing("builder"))?,
                kept: artifact,
            },
            Status::Success => BuildState::Success {
                by: holder.ok_or_else(|| missing("builder"))?,
                artifact: artifact.ok_or_else(|| missing("artifact"))?,
                expired: json.expired,
            },
            Status::Failed => {
                let FailureJson { class, package } =
                    json.failure.ok_or_else(|| missing("failure"))?;
                let message = json.error.ok_or_else(|| missing("error"))?;
                BuildState::Failed {
                    by: holder.ok_or_else(|| missing("builder"))?,
                    failure: Failure {
                        package,
                        ..Failure::new(class, message)
                    },
                }
            }
            Status::Cancelled => BuildState::Cancelled { by: holder },
        };
        let spec = BuildSpec {
            target: Target::new(Platform::new(json.goos, json.goarch)?, Some(json.variant))?,
            go: json.go_version,
            packages: json
                .packages
                .into_iter()
                .map(|package| {
                    (
                        package.url,
                        Package {
                            module: package.module,
                            base: package.base,
                        },
                    )
                })
                .collect(),
            modules: json.modules,
            graph: json.graph,
            template: json.template,
            tags: json.tags,
            ldflags: json.ldflags,
        };
        let spec = spec.checked()?;
        Ok(Self {
            key: spec.key(),
            spec,
            state,
            attempt: json.attempt,
            catalog_revision: json.catalog_revision,
            requested: json.requested,
            claimed: json.claimed,
            finished: json.finished,
            timings: json.timings,
            last_error: json.last_error,
            other_sha256: json.other_sha256,
            message_time: json.message_time,
            unknown: json.unknown,
            lost: None,
            log: json.log,
        })
    }
}
