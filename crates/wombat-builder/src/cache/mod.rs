//! The compile cache: what one build compiled, no other has to compile again, on this machine or on any of the fleet.
//!
//! `go` asks a [`helper`] process (`GOCACHEPROG`) for every package. The helper answers from the [`local`] folder, which
//! has the layout of Go's own cache; what isn't there it asks the builder for over a socket ([`server`]). The builder looks
//! in the fleet's bucket ([`fleet`]), fetches ahead what a build of these packages asked for last time ([`lists`]), and
//! brings what was compiled here to the others when the build is over ([`upload`]). All of it only saves time: whatever
//! fails is a miss, and a build whose helper fails is built with Go's own cache.

mod entry;
mod fleet;
mod helper;
mod id;
mod levels;
mod lists;
mod local;
mod protocol;
mod server;
mod session;
mod socket;
mod trim;
mod trust;
mod unpack;
mod upload;

pub use helper::{HelperArgs, main};
pub(crate) use lists::ListScope;
pub(crate) use local::LocalCache;
pub(crate) use server::CacheServer;
pub(crate) use session::{Outcome, Session};
pub(crate) use trim::trim;
pub(crate) use trust::Trust;
