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
mod contents;
mod error;
mod file;
mod format;
mod functions;
mod module_list;
mod place;
mod totals;

use std::fs::File;

pub use build_info::{BuildInfo, LinkedModule, ModuleSource};
pub use contents::{Contents, ModuleContents};
pub use error::ReadError;

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
    let bytes = found.table(file, (begin, &header))?;
    let table = functions::Table::new(header, &bytes);
    let table = table.ok_or(ReadError::Unknown("table of functions"))?;
    totals::contents(found.size, modules, &table)
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
