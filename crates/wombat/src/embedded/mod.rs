//! The nats-server that `wombat up` brings along when no other is named.

mod program;
mod server;

pub(crate) use program::{NATS_SERVER_MODULE, pinned_version, program};
pub(crate) use server::EmbeddedNats;
