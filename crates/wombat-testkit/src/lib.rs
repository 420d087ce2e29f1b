//! For tests and measurements only: real servers and processes that end with whoever started them, specs and requests,
//! and waiting for a condition.

mod docs;
mod go_caches;
mod module_proxy;
mod nats_server;
mod process;
mod requests;
mod site;
mod specs;
mod stack;
mod stub_go;
mod wait;
mod wire;

pub use docs::table_in_docs;
pub use go_caches::go_caches;
pub use module_proxy::{ModuleProxy, ProxyFault, TestModule};
pub use nats_server::{NatsServer, NatsServerConfig, login_as};
pub use process::{Program, Wombat};
pub use requests::{a_distinct_request, a_request, artifact_path, connect, rapid_resets};
pub use site::Site;
pub use specs::{SpecBuilder, a_spec};
pub use stack::Stack;
pub use stub_go::{Poison, StubGo};
pub use wait::wait_until;
pub use wire::Wire;
