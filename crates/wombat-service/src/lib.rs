//! The service: takes requests over NATS, decides what they mean, keeps the catalog, the list and the storage in order.
//!
//! Any number of instances may run; they share the requests and agree through JetStream alone. None of them builds.

mod answers;
mod args;
mod blocked;
mod byte_quota;
mod catalog;
mod endpoints;
#[cfg(test)]
mod fixture;
mod index;
mod janitor;
mod json;
mod live;
mod micro;
mod publications;
mod quota;
mod refusal;
mod resolve;
mod response_cache;
mod room;
mod run;
mod select;
mod writes;

pub use args::ServiceArgs;
pub use catalog::{VersionPolicy, default_go_line, go_releases};
pub use resolve::{ModulePolicy, ParseModulePolicyError};
pub use run::{ServiceDeps, run};
