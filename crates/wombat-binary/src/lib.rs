#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! `format`: how Go's linker writes its build information · `module_list`: the modules in it · `functions`: the
//! function table that Go's runtime needs, so that stripping keeps it · `file`: finds both in a file of any size ·
//! `totals`: adds the functions up · `build_info`: all of the build information, from the `place` where `go version -m`
//! looks for it.
//!
//! The file may contain untrusted code, so every offset in it may be wrong: invalid data ends the reading and never
//! panics. A made-up table takes no more time than that of the largest real binaries: reading ends at a limit.

mod build_info;
mod file;
mod format;
mod functions;
mod module_list;
mod place;
mod totals;

use std::{fs::File, io};

use serde::Serialize;

pub use build_info::{BuildInfo, LinkedModule, ModuleSource};

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

/// Why the contents of a binary are unknown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file can't be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The table is missing, or has an unknown format.
    #[error("the binary has no {0} in a known format")]
    Unknown(&'static str),
    /// The table of functions is larger than that of any real binary.
    #[error("the binary's table of functions has more than {limit} {what}, which is the limit")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// Reads a binary that Go linked, for any system and processor. Takes at most some seconds, and 130 MiB of memory,
/// whatever the file contains.
pub fn read(file: &mut File) -> Result<Contents, ReadError> {
    let mut found = file::find(file)?;
    let modules = found.modules.take();
    let modules = modules.ok_or(ReadError::Unknown("list of modules"))?;
    let Some((begin, header)) = found.functions else {
        return Err(if found.too_many_functions {
            ReadError::TooLarge {
                what: "functions",
                limit: functions::MOST,
            }
        } else {
            ReadError::Unknown("table of functions")
        });
    };
    let bytes = found.table(file, begin)?;
    let table = functions::Table::new(header, &bytes);
    let table = table.ok_or(ReadError::Unknown("table of functions"))?;
    totals::contents(found.size, modules, &table)
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
