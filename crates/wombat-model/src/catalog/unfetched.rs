//! Packages of a release that couldn't be tried.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Why a package isn't in a release although it may well compile: something that it needs couldn't be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unfetched {
    /// What went wrong, in words for people.
    pub reason: String,
    /// The module that couldn't be had, such as `a.b/c v1.2.3`.
    pub dependency: String,
    /// When it was last tried.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String")]
    pub tried: OffsetDateTime,
}
