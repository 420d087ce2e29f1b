//! The store against a real nats-server.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod artifacts;
mod gocache;
mod life;
mod logs;
mod open;
mod races;
mod restarts;
