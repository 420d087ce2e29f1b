//! The one way from `go` to the outside: a server on the loopback interface that speaks Go's module proxy protocol.
//!
//! It takes nothing but the paths of that protocol (`asked`), answers from disk what it has (`kept`), and asks the one
//! configured proxy for the rest (`upstream`), with deadlines, repetitions and limits that `go` itself lacks. Each build
//! has an address of its own ([`RelaySession`]), so that its trouble is told to it and nothing it was served wrongly stays.

mod asked;
mod kept;
mod serve;
mod session;
mod upstream;

pub use serve::{Relay, RelayOptions};
pub(crate) use session::RelaySession;
pub use upstream::{InvalidUpstream, Upstream};
