//! Where a build can stand.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{ArtifactName, BuilderId, ClaimId, Failure, SandboxLevel, Sha256, log::Phase};

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
    /// What the compilers that made it were held by. `None`: it is from before builders said so.
    pub sandbox: Option<SandboxLevel>,
}

impl Artifact {
    pub(super) fn maker(&self) -> Holder {
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
    pub(super) from: Status,
    pub(super) step: &'static str,
}
