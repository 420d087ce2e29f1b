//! What a living builder says of itself; the key expires by the server's clock when it stops saying so.

use serde::{Deserialize, Serialize};

use crate::{BuildKey, BuilderId, ClaimId, GoVersion, SandboxLevel};

/// A build that a builder is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ActiveClaim {
    /// The build.
    pub id: BuildKey,
    /// The claim.
    pub claim: ClaimId,
}

/// An entry of the `builders` bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// The builder process.
    pub builder: BuilderId,
    /// The machine that it runs on, as it calls itself.
    pub host: String,
    /// Version of Wombat Builder.
    pub version: String,
    /// Builds that it can run at once.
    pub workers: u32,
    /// Builds that it is running.
    pub active: Vec<ActiveClaim>,
    /// The Go release that it has without fetching.
    pub go: Option<GoVersion>,
    /// What its compilers are held by.
    #[serde(default = "unconfined")]
    pub sandbox: SandboxLevel,
    /// It takes nothing new: it finishes what it has, or can't build at all.
    pub draining: bool,
    /// Why it can't build, and what to do, for people. It tries again from time to time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How long this entry lives without being renewed, in milliseconds.
    pub lease_ms: u64,
}

/// A builder that says nothing of it is from before there was one.
fn unconfined() -> SandboxLevel {
    SandboxLevel::None
}
