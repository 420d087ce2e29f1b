//! How to make the same binary by hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{CompiledModule, Sha256};

/// The recipe of a finished build, as it is stored and served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Recipe {
    /// Contents by file name: `main.go`, `go.mod`, `go.sum`.
    pub files: BTreeMap<String, String>,
    /// Environment variables to set.
    pub environment: BTreeMap<String, String>,
    /// The command, for a POSIX shell in the folder with the files.
    pub command: String,
    /// Digest of the result.
    pub sha256: Sha256,
    /// All modules whose code is in the binary, as the linker lists them; a module that another one replaces is listed
    /// beside it. Empty in recipes of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<CompiledModule>,
}
