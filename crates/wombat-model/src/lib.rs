//! The data model of Wombat Builder: validated names, builds, and the messages between processes.
//!
//! Pure data: no I/O, no async, no NATS. Every constructor validates, serde included, so a value of these
//! types is already safe to put into a key, a path, a `go.mod` or a header.
//!
//! *spec*: what is to be built · *build*: a spec and its state · *key*: a build's name · *claim*: the right
//! to build · *artifact*: the binary · *builder*: a process · *worker*: one of its tasks.

mod blocklist;
mod blocklist_hit;
mod build;
pub mod catalog;
mod client;
mod distribution;
mod failure;
mod file_names;
mod go_version;
mod identifier;
mod identity;
mod key;
mod licence_args;
pub mod log;
mod module_sum;
mod module_version;
pub mod names;
mod path;
pub mod plain_text;
mod platform;
mod presence;
mod problem;
mod publications;
mod refusal;
pub mod request;
mod sandbox;
mod secret;
mod spec;
mod status;
mod tampered;
mod template;
mod text;
pub mod units;
pub mod wire;

pub use blocklist::{
    BlockedModule, Blocklist, InvalidBlocklist, ModulePattern, ParseModulePatternError,
};
pub use blocklist_hit::{BlocklistHit, CompiledModule};
pub use build::{
    Artifact, Build, BuildState, Holder, IllegalTransition, Retry, TimeField, Timings,
    UnreadableRecord,
};
pub use client::client_network;
pub use distribution::{
    Distribution, DistributionName, DistributionVersion, ParseDistributionError,
};
pub use failure::{Failure, FailureClass};
pub use file_names::program_name;
pub use go_version::{GoLine, GoVersion, ParseGoLineError, ParseGoVersionError};
pub use identifier::{BuilderId, ClaimId, ParseIdentifierError};
pub use identity::{BuildHash, Identity, ParseDigestError, Sha256};
pub use key::{ArtifactName, BuildKey, ParseBuildKeyError};
pub use licence_args::{AcceptedLicence, LicenceArgs, LicencePolicy};
pub use module_sum::{ModuleSum, ParseModuleSumError};
pub use module_version::{ModuleVersion, ParseModuleVersionError};
pub use path::{ImportPath, ModulePath, ParsePathError};
pub use platform::{Goarch, Goos, ParsePlatformError, Platform, Target, Variant, this_machine};
pub use presence::{ActiveClaim, Presence};
pub use problem::{Problem, ProblemCode};
pub use publications::{
    Agreement, BuildPublications, Grant, GrantResult, NewestGrant, PublishedBinary,
};
pub use refusal::{Refusal, RefusalStatus};
pub use sandbox::SandboxLevel;
pub use secret::Secret;
pub use spec::{BuildSpec, InvalidSpec, Package};
pub use status::Status;
pub use tampered::{TamperSign, TamperedRecord, TamperedRecords};
pub use template::{Template, UnknownTemplate};
