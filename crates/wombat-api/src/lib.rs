//! The gateway: REST API and website in front of NATS.
//!
//! A gateway keeps no state of its own: any number can run side by side, and a client that loses one continues at another.
//! Questions go to the micro services; records, logs and binaries are read from NATS directly.

mod access;
mod admission;
mod answers;
mod args;
mod blocked;
mod body;
mod build_reader;
mod cache;
mod caller;
mod capacity;
mod client_counts;
mod connections;
mod contents;
mod cross_origin;
mod error;
mod form;
mod gateway;
mod headers;
mod health;
mod html;
mod limit_args;
mod live;
mod openapi;
mod params;
mod places;
mod port_holder;
mod proxies;
mod publications;
mod range;
mod routes;
mod server;
mod sse;
mod stall;
mod state;
mod ui;
mod until_sent;
mod visitor;

pub use access::{
    AccessControl, ParseTokenError, Role, Secret, TokenEntry, TokenFile, TokenFileError,
};
pub use answers::{OfferedPlatform, PlatformsAnswer, VersionAnswer};
pub use args::{ApiArgs, Network, ParseNetworkError, ParsePublicUrlError, PublicUrl};
pub use capacity::Capacity;
pub use error::{ApiError, ProblemDocument};
pub use health::{CacheHealth, HealthReport, HealthStatus, NatsHealth};
pub use limit_args::LimitArgs;
pub use routes::app;
pub use server::run;
pub use state::{ApiDeps, GatewayState};
