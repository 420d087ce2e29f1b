#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! Everything that uses the Go toolchain: from a spec to a binary.
//!
//! [`GoSettings`] names `go`, its caches and its proxy; [`Workshop::build`] runs the steps: module graph (`graph`) and
//! date of the release (`release_date`), `main.go` (`main_file`), package list (`list`), licences (`licence`), compiler
//! and linker (`compile`), and a check of the result (`product`). The package lists of earlier builds (`known`) replace
//! `go list`. `classify` explains failures of `go`.

mod ask;
mod attempt;
mod binary;
mod blocking;
mod build;
pub mod catalog_import;
mod classify;
mod compile;
mod compile_cache;
mod confinement;
mod dir_hash;
mod doubt;
mod environment;
mod error;
mod folders;
mod go;
mod go_mod;
mod go_sum;
mod graph;
mod graph_store;
mod graph_trim;
mod helper;
mod invocation;
mod job_folder;
mod known;
mod licence;
mod list;
mod main_file;
mod module_cache;
mod module_name;
mod module_trim;
mod module_use;
mod modules_in_use;
mod modules_on_disk;
mod package_set;
mod packages;
mod product;
mod progress;
pub mod recipe;
mod release_date;
pub mod report;
mod scope;
mod settings;
mod source;
mod stage;
mod survey;
mod toolchain;
mod toolchains;
mod trust;
mod workshop;

pub use ask::{AskError, Verdict};
pub use environment::{build_arguments, target_environment};
pub use error::BuildError;
pub use graph_store::GraphFiles;
pub use helper::HelperCommand;
pub use job_folder::JobFolder;
pub use main_file::main_file;
pub use module_trim::ModuleTrimmer;
pub use product::Product;
pub use release_date::ReleaseDate;
pub use scope::Scope;
pub use settings::{GoOptions, GoSettings, InstalledGo, SettingsError, find_in_path};
pub use survey::{SourcePackage, Survey};
pub use trust::Trust;
pub use workshop::Workshop;
