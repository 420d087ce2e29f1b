//! Bodies of responses that the gateway writes itself, without a service.

use serde::Serialize;
use wombat_model::{Goarch, Goos, Variant};

/// A platform on offer.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct OfferedPlatform {
    /// Operating system.
    pub goos: Goos,
    /// Architecture.
    pub goarch: Goarch,
    /// Levels of the architecture; the first is the default.
    pub variants: &'static [Variant],
}

/// Answer of `GET /api/platforms`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct PlatformsAnswer {
    /// In the order in which they are shown.
    pub platforms: Vec<OfferedPlatform>,
}

/// Answer of `GET /api/version`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionAnswer {
    /// Version of Wombat Builder.
    pub version: &'static str,
    /// Whether cancelling and forcing need a token here.
    pub cancel_needs_token: bool,
}
