//! Builders: they claim builds, run Go, and put the binaries into the object store.
//!
//! [`run`] is the whole of it: `intake` decides what to claim and whose builds to recover, `worker` sees one claim
//! through, `presence` tells the others that this builder lives. [`go`] makes a binary of a spec, [`child`] runs
//! foreign programs so that they never outlive us.

mod ahead;
mod args;
pub mod cache;
pub mod catalog_import;
pub mod child;
mod counters;
mod disk;
pub mod go;
mod hurry;
mod imports;
mod intake;
mod lint;
mod owner;
mod presence;
mod readiness;
pub mod recipe;
pub mod relay;
pub mod report;
mod run;
pub mod sandbox;
pub mod units;
mod warm;
mod worker;

pub use args::{AcceptedLicence, Aside, BuilderArgs, BuilderDeps, BundlePolicy, IfUnfit, Warm};
pub use counters::Counters;
pub use run::run;
