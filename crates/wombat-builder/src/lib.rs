//! Builders: they claim builds, run Go, and put the binaries into the object store.

pub mod catalog_import;
pub mod child;
pub mod go;
pub mod recipe;
pub mod report;
