//! Builders: they claim builds, run Go, and put the binaries into the object store.
//!
//! [`run`] is the entry point: `scheduling` decides what to claim and whose builds to recover, `worker` handles one
//! claim from start to end, `background` works while no build waits, `presence` sends heartbeats. `wombat_go` makes a
//! binary of a spec.

mod args;
mod background;
mod counters;
mod disk;
mod fetch_report;
mod force_stop;
mod lanes;
mod last_seen;
mod limits;
mod owner;
mod prebuilt;
mod presence;
mod readiness;
mod requested_targets;
mod run;
mod scheduling;
mod trimming;
mod until;
mod worker;

pub use args::{Background, BuilderArgs, BuilderDeps, IfUnfit, Warm};
pub use counters::Counters;
pub use run::run;
