#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! The compile cache: a package that one build compiled is compiled by no other, on this machine or any other of the
//! fleet.
//!
//! `go` asks a `helper` process (`GOCACHEPROG`) for every package. The helper answers from the `local` folder,
//! which has the layout of Go's own cache, and otherwise asks the builder over a socket (`server`). The builder looks
//! in the fleet's bucket (`fleet`), fetches ahead the results that the last build of these packages requested
//! (`lists`), and uploads new results after the build (`upload`). All of it only saves time: any failure is a miss,
//! and a build whose helper fails is repeated with Go's own cache.

mod bounded_line;
mod connections;
mod entry;
mod fetches;
mod fleet;
mod helper;
mod id;
mod known;
mod levels;
mod lists;
mod local;
mod protocol;
mod serve;
mod server;
mod session;
mod socket;
mod trim;
mod unpack;
mod upload;

pub use helper::{HelperArgs, main};
pub use lists::ListScope;
pub use local::LocalCache;
pub use server::CacheServer;
pub use session::{Outcome, Session};
pub use trim::trim;
