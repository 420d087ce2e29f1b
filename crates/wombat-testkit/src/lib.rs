//! For tests only: real servers that end with their test, specs to build, and waiting for a condition.

mod nats_server;
mod specs;
mod stub_go;
mod wait;

pub use nats_server::{NatsServer, NatsServerConfig};
pub use specs::{SpecBuilder, a_spec};
pub use stub_go::StubGo;
pub use wait::wait_until;
