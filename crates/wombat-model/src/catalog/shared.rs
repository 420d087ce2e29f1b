//! What packages of a release have in common in a binary.

use serde::{Deserialize, Serialize};

/// Bytes that several packages add to a binary, and that are in it once however many of these are picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedBytes {
    /// How many; they are part of the `addedBytes` of each of the packages.
    pub bytes: u64,
    /// The packages: folders below the component root, and import paths of drivers.
    pub packages: Vec<String>,
}
