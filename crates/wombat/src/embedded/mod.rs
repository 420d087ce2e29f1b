//! The nats-server that `wombat up` brings along when no other is named.

mod health;
mod program;
mod server;
mod words;

pub(crate) use program::{NATS_SERVER_MODULE, pinned_version, program};
pub(crate) use server::EmbeddedNats;
