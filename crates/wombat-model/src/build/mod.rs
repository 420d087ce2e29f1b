//! A build: a spec and its state.

mod conversion;
mod json;
mod record;
mod state;
mod steps;
mod template_json;
mod time_field;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

pub use conversion::InvalidRecord;
pub use json::{BuildJson, BuildOutline, FailureJson, PackageJson};
pub use record::UnreadableRecord;
pub use state::{Artifact, BuildState, Holder, IllegalTransition, Timings};
pub use steps::Retry;
pub use template_json::TemplateJson;
pub use time_field::TimeField;

use crate::{BuildKey, BuildSpec, ClaimId, Failure, Sha256, Status, log::LogEnd};

/// A record of the `builds` bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BuildJson", into = "BuildJson")]
pub struct Build {
    /// The spec's key, computed once, since the spec never changes.
    pub(crate) key: BuildKey,
    pub(crate) spec: BuildSpec,
    pub(crate) state: BuildState,
    pub(crate) attempt: u32,
    pub(crate) catalog_revision: u64,
    pub(crate) requested: OffsetDateTime,
    pub(crate) claimed: Option<OffsetDateTime>,
    pub(crate) finished: Option<OffsetDateTime>,
    pub(crate) timings: Timings,
    pub(crate) last_error: Option<String>,
    pub(crate) other_sha256: Option<Sha256>,
    /// The time at which this state began: only a lower bound until the server's time of the write is known.
    pub(crate) message_time: Option<TimeField>,
    /// Fields of a newer version, kept as they are.
    pub(crate) unknown: BTreeMap<String, Value>,
    /// The place of something by a newer version that can't be kept.
    pub(crate) lost: Option<String>,
    pub(crate) log: Option<LogEnd>,
}

impl Build {
    /// A build without a record so far. `now` is an estimate of the server's time, which the record's own replaces.
    pub fn new(spec: BuildSpec, catalog_revision: u64, now: OffsetDateTime) -> Self {
        Self {
            key: spec.key(),
            spec,
            state: BuildState::New { kept: None },
            attempt: 0,
            catalog_revision,
            requested: now,
            claimed: None,
            finished: None,
            timings: Timings::new(),
            last_error: None,
            other_sha256: None,
            message_time: Some(TimeField::Requested),
            unknown: BTreeMap::new(),
            lost: None,
            log: None,
        }
    }

    /// The spec that is built.
    pub fn spec(&self) -> &BuildSpec {
        &self.spec
    }

    /// The build's name.
    pub fn key(&self) -> BuildKey {
        self.key.clone()
    }

    /// Its state.
    pub fn state(&self) -> &BuildState {
        &self.state
    }

    /// The revision of the catalog that its last request was resolved with.
    pub fn catalog_revision(&self) -> u64 {
        self.catalog_revision
    }

    /// How many claims there were.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When it was requested, or requested again.
    pub fn requested(&self) -> OffsetDateTime {
        self.requested
    }

    /// When the present or last claim began.
    pub fn claimed(&self) -> Option<OffsetDateTime> {
        self.claimed
    }

    /// When it ended.
    pub fn finished(&self) -> Option<OffsetDateTime> {
        self.finished
    }

    /// How long each phase took.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// Where the log of its last claim ends. `None`: the build isn't finished, or was ended without its builder.
    pub fn log(&self) -> Option<&LogEnd> {
        self.log.as_ref()
    }

    /// The name of its state.
    pub fn status(&self) -> Status {
        match self.state {
            BuildState::New { .. } => Status::New,
            BuildState::Building { .. } => Status::Building,
            BuildState::Success { .. } => Status::Success,
            BuildState::Failed { .. } => Status::Failed,
            BuildState::Cancelled { .. } => Status::Cancelled,
        }
    }

    /// The builder that works on it, or did last, and its claim.
    pub fn holder(&self) -> Option<&Holder> {
        match &self.state {
            BuildState::Building { by, .. }
            | BuildState::Success { by, .. }
            | BuildState::Failed { by, .. } => Some(by),
            BuildState::Cancelled { by } => by.as_ref(),
            BuildState::New { .. } => None,
        }
    }

    /// Whether this claim holds the build now.
    pub fn is_held_by(&self, claim: &ClaimId) -> bool {
        matches!(&self.state, BuildState::Building { by, .. } if by.claim == *claim)
    }

    /// What went wrong, if the build failed.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.state {
            BuildState::Failed { failure, .. } => Some(failure),
            BuildState::New { .. }
            | BuildState::Building { .. }
            | BuildState::Success { .. }
            | BuildState::Cancelled { .. } => None,
        }
    }

    /// The binary that the record names, whether it still exists or not.
    pub fn named_artifact(&self) -> Option<&Artifact> {
        match &self.state {
            BuildState::Success { artifact, .. } => Some(artifact),
            BuildState::New { kept } | BuildState::Building { kept, .. } => kept.as_ref(),
            BuildState::Failed { .. } | BuildState::Cancelled { .. } => None,
        }
    }

    /// Whether it succeeded and its binary was removed.
    pub fn is_expired(&self) -> bool {
        matches!(self.state, BuildState::Success { expired: true, .. })
    }

    /// The binary that can be downloaded now: also while a forced rebuild is under way.
    pub fn artifact(&self) -> Option<&Artifact> {
        match &self.state {
            BuildState::New { kept } | BuildState::Building { kept, .. } => kept.as_ref(),
            BuildState::Success {
                artifact,
                expired: false,
                ..
            } => Some(artifact),
            BuildState::Success { expired: true, .. }
            | BuildState::Failed { .. }
            | BuildState::Cancelled { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
