//! The nats-server that `wombat up` runs unless another is named.

mod guard;
mod health;
mod program;
mod server;
mod words;

pub(crate) use guard::Guard;
pub(crate) use program::{NATS_SERVER_MODULE, installed_nats_server, pinned_version, program};
pub(crate) use server::EmbeddedNats;
