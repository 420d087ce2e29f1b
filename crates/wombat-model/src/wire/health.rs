//! How full the stores are, and whether NATS stores what it is sent.

use serde::{Deserialize, Serialize};

/// Answer of `build.health`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthAnswer {
    /// Every bucket and stream, as its leader has it.
    pub stores: Vec<StoreHealth>,
    /// Why NATS doesn't store what the service sends, and what to do. Left out while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unacknowledged: Option<String>,
    /// Why the service that answers keeps its index of builds in memory, and what to do. Left out while it doesn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
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
    /// How much of its room is taken, in percent; 0 without a limit.
    pub percent: u64,
    /// Whether something is refused because of it.
    pub full: bool,
    /// Whether new builds are refused because of it.
    pub refuses_builds: bool,
    /// What follows from its being full, and what to do. Left out unless it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}
