//! For tests and measurements only: real servers and processes that end with their test, specs and requests, and
//! waiting for a condition.
#![expect(clippy::disallowed_methods, reason = "tests may block")]

mod accounts;
mod cluster;
mod damage;
mod delay_proxy;
mod docs;
mod freeze;
mod go_binary;
mod go_caches;
mod install;
mod lister;
mod module_proxy;
mod nats_cluster;
mod nats_process;
mod nats_server;
pub mod pipelines;
mod plans;
mod process;
mod requests;
mod site;
mod specs;
mod stack;
mod stub_go;
mod succeed;
mod test_module;
pub mod torture;
mod wait;
mod wire;

pub use accounts::login_as;
pub use cluster::{Cluster, node_called};
pub use damage::Damage;
pub use delay_proxy::DelayProxy;
pub use docs::table_in_docs;
pub use freeze::freeze;
pub use go_binary::go_binary;
pub use go_caches::go_caches;
pub use install::install;
pub use lister::Listers;
pub use module_proxy::{ModuleProxy, ProxyFault};
pub use nats_cluster::UnformedCluster;
pub use nats_process::{find_program as nats_server_program, free_port};
pub use nats_server::{NatsServer, NatsServerConfig};
pub use plans::an_import_plan;
pub use process::{Program, Wombat};
pub use requests::{a_distinct_request, a_request, artifact_path, connect, rapid_resets};
pub use site::Site;
pub use specs::{SpecBuilder, a_spec};
pub use stack::Stack;
pub use stub_go::{Alteration, Poison, StubGo};
pub use succeed::succeed;
pub use test_module::TestModule;
pub use wait::wait_until;
pub use wire::Wire;
