//! Converts a build to JSON and back.

use super::{
    Artifact, Build, BuildJson, BuildState, FailureJson, Holder, PackageJson, TemplateJson,
    record::SCHEMA,
};
use crate::{
    BuildSpec, Distribution, Failure, InvalidSpec, Package, ParsePlatformError, Platform, Status,
    Target,
};

/// The JSON isn't a possible build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// The spec is invalid.
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
    /// It is a record of a later version.
    #[error("schema {0} is of a later version")]
    Newer(u64),
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
            template: TemplateJson::Number(build.spec.template),
            name: build.spec.distribution.name,
            version: build.spec.distribution.version,
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
            schema: None,
            message_time: build.message_time,
            unknown: build.unknown,
            log: build.log,
        }
    }
}

impl TryFrom<BuildJson> for Build {
    type Error = InvalidRecord;

    fn try_from(json: BuildJson) -> Result<Self, InvalidRecord> {
        if let Some(later) = json.schema.filter(|schema| *schema > SCHEMA) {
            return Err(InvalidRecord::Newer(later));
        }
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
            template: json.template.template(),
            distribution: Distribution {
                name: json.name,
                version: json.version,
            },
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
