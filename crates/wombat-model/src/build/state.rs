//! The states of a build.

use std::collections::BTreeMap;

use crate::{ArtifactName, BuilderId, ClaimId, Failure, SandboxLevel, Sha256, Status, log::Phase};

/// A finished binary in the object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The object that holds it.
    pub name: ArtifactName,
    /// Bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub sha256: Sha256,
    /// The builder that made it.
    pub builder: BuilderId,
    /// How strictly the compilers that made it were sandboxed. `None`: it is from before builders reported it.
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

/// The builder that works on a build, or did last, and its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The builder.
    pub builder: BuilderId,
    /// Its claim, which also names the log.
    pub claim: ClaimId,
}

/// The state of a build, with the data of that state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildState {
    /// Waits for a builder. `kept` is the binary that is served while a forced rebuild is under way.
    New { kept: Option<Artifact> },
    /// A builder is working on it; only the holder of the claim may finish it.
    Building { by: Holder, kept: Option<Artifact> },
    /// There is a binary, or there was one and retention removed it.
    Success {
        by: Holder,
        artifact: Artifact,
        expired: bool,
    },
    /// It can't be built, or couldn't this time.
    Failed { by: Holder, failure: Failure },
    /// A client cancelled it, perhaps before a builder claimed it.
    Cancelled { by: Option<Holder> },
}

/// The step isn't possible in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a build that is `{from}` can't be {step}")]
pub struct IllegalTransition {
    pub(super) from: Status,
    pub(super) step: &'static str,
}
