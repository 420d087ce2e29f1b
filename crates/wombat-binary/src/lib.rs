#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! `format`: how Go's linker writes its build information · `module_list`: the modules in it · `functions`: the
//! function table that Go's runtime needs, so that stripping keeps it · `file`: finds both in a file of any size ·
//! `build_info`: all of the build information, from the `place` where `go version -m` looks for it.
//!
//! The file may contain untrusted code, so every offset in it may be wrong: invalid data ends the reading and never
//! panics.

mod build_info;
mod file;
mod format;
mod functions;
mod module_list;
mod place;

use std::{collections::BTreeMap, fs::File, io};

use serde::Serialize;

pub use build_info::{BuildInfo, LinkedModule, ModuleSource};
use module_list::ModuleList;

/// Name of the standard library and the runtime.
const STANDARD: &str = "std";

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
}

/// Reads a binary that Go linked, for any system and processor.
pub fn read(file: &mut File) -> Result<Contents, ReadError> {
    let file::Found {
        size,
        modules,
        functions,
    } = file::find(file)?;
    let info = modules.ok_or(ReadError::Unknown("list of modules"))?;
    let bytes = functions.ok_or(ReadError::Unknown("table of functions"))?;
    let table = functions::Table::read(&bytes).ok_or(ReadError::Unknown("table of functions"))?;
    Ok(sorted(size, info, &table))
}

/// Assigns every function to its module: the longest path that is a prefix of its package.
fn sorted(size: u64, info: ModuleList, table: &functions::Table<'_>) -> Contents {
    let mut totals: BTreeMap<&str, (u64, u32)> = info
        .modules
        .keys()
        .map(|path| (path.as_str(), (0, 0)))
        .collect();
    let mut code = 0;
    for function in table.functions() {
        let package = function.package();
        let module = match info.module_of(&package) {
            Some(module) => module,
            None if is_standard(&package) => STANDARD,
            // The module isn't on the list.
            None => continue,
        };
        let total = totals.entry(module).or_default();
        total.0 += function.size;
        total.1 += 1;
        code += function.size;
    }
    let mut modules: Vec<ModuleContents> = totals
        .into_iter()
        .map(|(module, (code, functions))| ModuleContents {
            version: if module == STANDARD {
                Some(info.go.clone())
            } else {
                info.modules.get(module).cloned().flatten()
            },
            module: module.to_owned(),
            code,
            functions,
        })
        .collect();
    modules.sort_by(|left, right| (right.code, &left.module).cmp(&(left.code, &right.module)));
    Contents {
        size,
        go: info.go,
        modules,
        rest: size.saturating_sub(code),
    }
}

/// Import paths of Go's own library have no host name.
fn is_standard(package: &str) -> bool {
    !package.split('/').next().unwrap_or_default().contains('.')
}

#[cfg(test)]
mod tests;
