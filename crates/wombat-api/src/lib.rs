//! The gateway: REST and the website in front of NATS.
//!
//! It holds nothing that isn't in NATS: any number of these can stand side by side, and a client that loses one goes
//! on at the next. Questions are passed on to the micro services; records, logs and binaries are read directly.

mod access;
mod args;
mod body;
mod cache;
mod caller;
mod connections;
mod contents;
mod error;
mod gateway;
mod headers;
mod health;
mod live;
mod openapi;
mod params;
mod port_holder;
mod range;
mod routes;
mod server;
mod sse;
mod state;
mod ui;

pub use access::{Control, ParseTokenError, Role, Secret, TokenEntry, TokenFile, TokenFileError};
pub use args::{ApiArgs, Network, ParseNetworkError, ParsePublicUrlError, PublicUrl};
pub use error::{ApiError, ProblemDocument};
pub use health::{CacheHealth, HealthReport, HealthStatus, NatsHealth};
pub use routes::{OfferedPlatform, PlatformsAnswer, VersionAnswer, app};
pub use server::run;
pub use state::{ApiDeps, State};
