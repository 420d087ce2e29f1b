//! The answer about Go releases.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::catalog::GoRelease;

/// Answer of `catalog.goreleases`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GoReleasesAnswer {
    /// The newest of each line, then the others; newer ones first.
    pub releases: Vec<GoRelease>,
    /// When a builder last asked the module proxy for new ones; left out if none did yet.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub checked: Option<OffsetDateTime>,
}
