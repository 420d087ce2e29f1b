//! A build: a spec and where it stands. Transitions consume the old state, so no step can be taken twice.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    ArtifactName, BuildKey, BuildSpec, BuilderId, ClaimId, Failure, FailureClass, Sha256,
    log::Phase, wire::BuildJson,
};

/// How often a build may lose its builder before it fails.
const MAX_ATTEMPTS: u32 = 3;

/// A finished binary in the object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The object that holds it.
    pub name: ArtifactName,
    /// Bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub sha256: Sha256,
    /// Who made it.
    pub builder: BuilderId,
}

impl Artifact {
    fn maker(&self) -> Holder {
        Holder {
            builder: self.builder.clone(),
            claim: self.name.claim(),
        }
    }
}

/// How long each phase took, in milliseconds.
pub type Timings = BTreeMap<Phase, u64>;

/// Who builds it, or built it last, and under which claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The builder.
    pub builder: BuilderId,
    /// Its claim, which also names the log.
    pub claim: ClaimId,
}

/// Where a build stands, with all that this state needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildState {
    /// Waits for a builder. `kept` is the binary that is served while a forced rebuild is under way.
    New { kept: Option<Artifact> },
    /// A builder is at it; only the holder of the claim may finish it.
    Building { by: Holder, kept: Option<Artifact> },
    /// There is a binary, or there was one and retention removed it.
    Success {
        by: Holder,
        artifact: Artifact,
        expired: bool,
    },
    /// It can't be built, or couldn't this time.
    Failed { by: Holder, failure: Failure },
    /// Somebody stopped it, perhaps before anyone held it.
    Cancelled { by: Option<Holder> },
}

/// The name of a state, spelled as the original does.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for a builder.
    New,
    /// A builder is at it.
    Building,
    /// There is a binary.
    Success,
    /// There is an error.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl Status {
    /// All, in the order of a build's life.
    pub const ALL: &[Self] = &[
        Self::New,
        Self::Building,
        Self::Success,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As it is spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Building => "building",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens unless somebody asks.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::New | Self::Building => false,
            Self::Success | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The step doesn't lead away from this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a build that is `{from}` can't be {step}")]
pub struct IllegalTransition {
    from: Status,
    step: &'static str,
}

/// A record of the `builds` bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BuildJson", into = "BuildJson")]
pub struct Build {
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
}

impl Build {
    /// A build that nobody asked for before. Times are for people to read; nothing is decided by them.
    pub fn new(spec: BuildSpec, catalog_revision: u64, now: OffsetDateTime) -> Self {
        Self {
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
        }
    }

    /// A free worker takes it.
    pub fn claim(mut self, by: Holder, now: OffsetDateTime) -> Result<Self, IllegalTransition> {
        let BuildState::New { kept } = self.state else {
            return Err(self.illegal("claimed"));
        };
        self.state = BuildState::Building { by, kept };
        self.attempt += 1;
        self.claimed = Some(now);
        Ok(self)
    }

    /// Its holder made the binary. Another digest than the kept binary's is remembered: the same identity
    /// ought to give the same bytes.
    pub fn succeed(
        mut self,
        artifact: Artifact,
        timings: Timings,
        now: OffsetDateTime,
    ) -> Result<Self, IllegalTransition> {
        let BuildState::Building { by, kept } = self.state else {
            return Err(self.illegal("finished"));
        };
        self.other_sha256 = kept
            .map(|old| old.sha256)
            .filter(|old| *old != artifact.sha256);
        self.state = BuildState::Success {
            by,
            artifact,
            expired: false,
        };
        self.timings = timings;
        self.last_error = None;
        self.finished = Some(now);
        Ok(self)
    }

    /// Its holder couldn't make the binary. One that was served before goes on being served.
    pub fn fail(
        mut self,
        failure: Failure,
        now: OffsetDateTime,
    ) -> Result<Self, IllegalTransition> {
        let BuildState::Building { by, kept } = self.state else {
            return Err(self.illegal("finished"));
        };
        self.state = match kept {
            Some(artifact) => {
                self.last_error = Some(failure.message);
                BuildState::Success {
                    by,
                    artifact,
                    expired: false,
                }
            }
            None => BuildState::Failed { by, failure },
        };
        self.finished = Some(now);
        Ok(self)
    }

    /// Somebody stops it.
    pub fn cancel(mut self, now: OffsetDateTime) -> Result<Self, IllegalTransition> {
        self.state = match self.state {
            BuildState::New {
                kept: Some(artifact),
            } => BuildState::Success {
                by: artifact.maker(),
                artifact,
                expired: false,
            },
            BuildState::Building {
                by,
                kept: Some(artifact),
            } => {
                self.last_error = Some("The rebuild was cancelled.".to_owned());
                BuildState::Success {
                    by,
                    artifact,
                    expired: false,
                }
            }
            BuildState::New { kept: None } => BuildState::Cancelled { by: None },
            BuildState::Building { by, kept: None } => BuildState::Cancelled { by: Some(by) },
            BuildState::Success { .. }
            | BuildState::Failed { .. }
            | BuildState::Cancelled { .. } => {
                return Err(self.illegal("cancelled"));
            }
        };
        self.finished = Some(now);
        Ok(self)
    }

    /// Its holder gives it back: it is shutting down, or was cut off. The attempt doesn't count.
    pub fn release(mut self) -> Result<Self, IllegalTransition> {
        let BuildState::Building { kept, .. } = self.state else {
            return Err(self.illegal("released"));
        };
        self.state = BuildState::New { kept };
        self.attempt = self.attempt.saturating_sub(1);
        self.claimed = None;
        Ok(self)
    }

    /// Its holder is dead. The attempt counts, so a build that kills its builders ends.
    pub fn recover(mut self, now: OffsetDateTime) -> Result<Self, IllegalTransition> {
        if self.attempt < MAX_ATTEMPTS {
            let BuildState::Building { kept, .. } = self.state else {
                return Err(self.illegal("recovered"));
            };
            self.state = BuildState::New { kept };
            self.claimed = None;
            return Ok(self);
        }
        let message =
            format!("The builder went away {MAX_ATTEMPTS} times in the middle of this build.");
        self.fail(Failure::new(FailureClass::Lost, message), now)
    }

    /// Somebody asks again. `None`: the record answers as it stands.
    #[must_use]
    pub fn request_again(
        mut self,
        force: bool,
        catalog_revision: u64,
        now: OffsetDateTime,
    ) -> Option<Self> {
        let kept = match self.state {
            BuildState::New { .. } | BuildState::Building { .. } => return None,
            BuildState::Success { expired: true, .. } | BuildState::Cancelled { .. } => None,
            BuildState::Success { artifact, .. } => Some(artifact).filter(|_| force).map(Some)?,
            BuildState::Failed { failure, .. } => {
                if !force && failure.class.is_final() {
                    return None;
                }
                None
            }
        };
        self.state = BuildState::New { kept };
        self.attempt = 0;
        self.catalog_revision = catalog_revision;
        self.requested = now;
        self.claimed = None;
        self.finished = None;
        self.timings = Timings::new();
        self.last_error = None;
        Some(self)
    }

    /// Retention removes the binary.
    pub fn expire(mut self) -> Result<Self, IllegalTransition> {
        let BuildState::Success { expired, .. } = &mut self.state else {
            return Err(self.illegal("expired"));
        };
        *expired = true;
        Ok(self)
    }

    /// What is built.
    pub fn spec(&self) -> &BuildSpec {
        &self.spec
    }

    /// The build's name.
    pub fn key(&self) -> BuildKey {
        self.spec.key()
    }

    /// Where it stands.
    pub fn state(&self) -> &BuildState {
        &self.state
    }

    /// How many claims there were.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When it was asked for, or asked for again.
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

    /// Who builds it, or built it last.
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

    fn illegal(&self, step: &'static str) -> IllegalTransition {
        IllegalTransition {
            from: self.status(),
            step,
        }
    }
}
