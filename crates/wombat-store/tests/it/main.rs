//! The store against a real nats-server.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "tests may block")]

mod artifacts;
mod expiry;
mod go_releases;
mod gocache;
mod imports;
mod keys;
mod life;
mod locks;
mod logs;
mod open;
mod orders;
mod publications;
mod races;
mod records;
mod replies;
mod restarts;
mod templates;
mod upgrade;
mod write_once;
