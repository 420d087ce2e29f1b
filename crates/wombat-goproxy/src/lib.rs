#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! The only connection that `go` has to the outside: a server on the loopback interface that speaks Go's module proxy
//! protocol.
//!
//! It accepts only the paths of that protocol (`query`), answers from its cache on disk if it can (`cache`), and
//! otherwise asks the one configured proxy (`source`, `upstream`), with the timeouts, retries and limits that `go`
//! itself lacks, also on the number of files in an archive (`archive`). Each build has its own address ([`RelaySession`]), which records the proxy's errors for this build,
//! and which answers to fetch again if `go` couldn't use them. [`ProxyClient`] fetches single files without `go`.

mod archive;
mod cache;
mod client;
mod fetch_error;
mod folder;
mod query;
mod serve;
mod session;
mod source;
mod upstream;

pub use archive::MOST_FILES;
pub use client::ProxyClient;
pub use fetch_error::FetchError;
pub use query::{LARGEST_INFO, LARGEST_MOD};
pub use serve::{Relay, RelayOptions};
pub use session::RelaySession;
pub use source::OnBytes;
pub use upstream::{InvalidUpstream, Upstream};
