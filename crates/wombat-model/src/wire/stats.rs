//! How many builds were requested and finished over time, and how long they took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::log::Phase;

/// `build.stats`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct StatsQuestion {
    /// How far to look back, in minutes: 1 to 1440, 60 if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// Answer of `build.stats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsAnswer {
    /// Where the first step begins.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String")]
    pub from: OffsetDateTime,
    /// Length of a step, in seconds.
    pub step_seconds: u32,
    /// The steps, one after another; the last one includes now.
    pub points: Vec<StatsPoint>,
    /// Milliseconds that each phase took, as a median of the builds that succeeded meanwhile.
    pub phases: BTreeMap<Phase, u64>,
    /// Milliseconds from the claim to the end, as a median of the same builds. Left out if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<u64>,
    /// There were more builds than are remembered, so that the counts of the first steps are too low.
    pub truncated: bool,
}

/// What happened in a step.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct StatsPoint {
    /// Builds that were requested.
    pub asked: u32,
    /// Builds that succeeded.
    pub succeeded: u32,
    /// Builds that failed.
    pub failed: u32,
    /// Builds that were cancelled.
    pub cancelled: u32,
    /// Builds that waited at its end.
    pub waiting: u32,
    /// Builds that were being built at its end.
    pub building: u32,
}
