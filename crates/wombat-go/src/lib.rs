#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! Everything that uses the Go toolchain: from a spec to a binary.
//!
//! [`GoSettings`] names `go`, its caches and its proxy: the installed `go` (`installed_go`), or one that is fetched
//! without any (`fetched_go`, `toolchain_fetch`). [`Workshop::build`] runs the steps: module graph (`graph`) and date
//! of the release (`release_date`), `main.go` (`main_file`), package list (`list`), licences (`licence`), compiler and
//! linker (`compile`), and a check of the result (`product`, `binary`, `build_info`). The package lists of earlier builds (`known`) replace
//! `go list`. `classify` explains failures of `go`.

mod ask;
mod attempt;
mod binary;
mod blame;
mod blocked;
mod blocking;
mod build;
mod build_info;
pub mod catalog_import;
mod classify;
mod compile;
mod compile_cache;
mod confinement;
mod default_proxy;
mod dir_hash;
mod doubt;
mod environment;
mod error;
mod fetch_progress;
mod fetched_go;
mod folders;
mod go;
mod go_fetch_error;
mod go_mod;
mod go_releases;
mod go_sum;
mod graph;
mod graph_store;
mod graph_trim;
mod helper;
mod installed_go;
mod invocation;
mod job_folder;
mod known;
mod licence;
mod licence_bound;
mod limit;
mod list;
mod local_names;
mod main_file;
mod module_cache;
mod module_name;
mod module_trim;
mod module_use;
mod modules_in_use;
mod modules_on_disk;
mod oldest_go;
mod package_set;
mod packages;
mod product;
mod progress;
pub mod recipe;
mod registrations;
mod release_date;
pub mod report;
mod requirements;
mod retraction;
mod scope;
mod settings;
mod settings_error;
mod size_limit;
mod source;
mod stage;
mod survey;
mod toolchain;
mod toolchain_archive;
mod toolchain_fetch;
mod toolchain_module;
mod toolchains;
mod trust;
mod workshop;

pub use ask::{AskError, Verdict};
pub use blocked::BlocklistSource;
pub use environment::{build_arguments, target_environment};
pub use error::BuildError;
pub use fetch_progress::{FetchProgress, FetchStep};
pub use fetched_go::GoOffer;
pub use go_fetch_error::GoFetchError;
pub use go_releases::GoReleasesError;
pub use graph_store::GraphFiles;
pub use helper::HelperCommand;
pub use installed_go::{InstalledGo, find_in_path};
pub use job_folder::JobFolder;
pub use limit::{Limit, Origin};
pub use local_names::local_names;
pub use main_file::main_file;
pub use module_trim::ModuleTrimmer;
pub use product::Product;
pub use release_date::ReleaseDate;
pub use scope::Scope;
pub use settings::{GoOptions, GoSettings};
pub use settings_error::SettingsError;
pub use survey::SourcePackage;
pub(crate) use survey::{FoundDriver, PackageFacts, Survey};
pub use trust::Trust;
pub use workshop::Workshop;
