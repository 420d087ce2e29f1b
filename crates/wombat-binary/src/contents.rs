//! What a binary consists of.

use serde::Serialize;

/// The modules in a binary, as the binary itself records them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Size of the binary in bytes.
    pub size: u64,
    /// The Go release that linked it.
    pub go: String,
    /// Its modules, those with the most code first.
    pub modules: Vec<ModuleContents>,
    /// Bytes outside of functions: tables, type descriptions, texts, embedded files.
    pub rest: u64,
}

/// A module in a binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ModuleContents {
    /// Its path; `std` is Go's own library.
    pub module: String,
    /// Its version; left out for the main package, which has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Bytes of machine code.
    pub code: u64,
    /// Number of functions.
    pub functions: u32,
}
