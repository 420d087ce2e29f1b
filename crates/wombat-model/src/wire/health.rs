//! How full the stores are, whether NATS acknowledges writes, and what else refuses builds.

use serde::{Deserialize, Serialize};

/// Answer of `build.health`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthAnswer {
    /// Every bucket and stream, as its leader has it.
    pub stores: Vec<StoreHealth>,
    /// Why NATS doesn't acknowledge the service's writes, and how to fix that. Left out while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unacknowledged: Option<String>,
    /// Why this service keeps its index of builds in memory, and how to fix that. Left out while it doesn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Why no build is accepted: the blocklist can't be read. Left out while it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocklist: Option<String>,
    /// Signs of a stolen key in the last seven days, and what to do: records of builds that were changed without
    /// permission, and binaries that weren't what was requested. Left out if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tampered: Option<String>,
}

/// How full a bucket or stream is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreHealth {
    /// Its name.
    pub name: String,
    /// Bytes that it holds.
    pub used: u64,
    /// Bytes that it may hold. Left out: as many as the server has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How much of its limit is used, in percent; 0 without a limit.
    pub percent: u64,
    /// Whether it is full, so that some writes are refused.
    pub full: bool,
    /// Whether new builds are refused because it is full.
    pub refuses_builds: bool,
    /// The consequence of a full store, and how to fix it. Left out unless it is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}
