//! Everything that is done with the Go toolchain: from a spec to a binary.
//!
//! [`GoSettings`] says which `go`, which caches and which proxy; [`Workshop::build`] runs the steps: module graph
//! (`graph`), package list (`list`), licences (`licence`), `main.go` (`main_file`), compiler and linker
//! (`compile`), and a look at the result (`product`). What earlier builds found out (`known`) spares the list. What `go` says when it fails is read by `classify`.

mod ask;
mod attempt;
mod binary;
mod classify;
mod compile;
mod dir_hash;
mod doubt;
mod environment;
mod folders;
mod go_mod;
mod go_sum;
mod graph;
mod invocation;
mod known;
mod licence;
mod list;
mod main_file;
mod module_cache;
mod packages;
mod product;
mod progress;
mod settings;
mod stage;
mod survey;
mod toolchain;
mod workshop;

pub use ask::AskError;
pub use environment::{build_arguments, target_environment};
pub use graph::GraphFiles;
pub use invocation::{BuildError, Scope};
pub use licence::LicencePolicy;
pub use main_file::main_file;
pub use product::Product;
pub use settings::{GoOptions, GoSettings, InstalledGo, SettingsError, find_in_path};
pub use survey::{SourcePackage, Survey};
pub use workshop::Workshop;

#[cfg(test)]
pub(crate) use main_file::tests as main_file_tests;
