//! The heartbeat of a builder. Its key expires by the server's clock unless the builder renews it.

use serde::{Deserialize, Serialize};

use crate::{BuildKey, BuilderId, ClaimId, GoVersion, SandboxLevel};

/// A build that a builder is working on.
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
    /// The host name of its machine.
    pub host: String,
    /// Version of Wombat Builder.
    pub version: String,
    /// Builds that it can run at the same time.
    pub workers: u32,
    /// Builds that it is running.
    pub active: Vec<ActiveClaim>,
    /// The Go release that is installed there.
    pub go: Option<GoVersion>,
    /// How strictly its compilers are sandboxed.
    #[serde(default = "unconfined")]
    pub sandbox: SandboxLevel,
    /// It claims no new builds: it only finishes the ones it has, or can't build at all.
    pub draining: bool,
    /// Why it can't build, and how to fix that, for people. It checks again from time to time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How long this entry lives without being renewed, in milliseconds.
    pub lease_ms: u64,
}

/// A builder that reports no level is from before there was a sandbox.
fn unconfined() -> SandboxLevel {
    SandboxLevel::None
}
