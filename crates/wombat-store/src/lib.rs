//! All access to JetStream: the buckets, the stream of logs, the object store, and the rules by which they are written.
//!
//! A record changes only by a revision-checked write. Losing such a race is a value ([`Written::Lost`],
//! [`ClaimOutcome::Lost`], [`FinishOutcome::Fenced`]), never an error; an error says that the outcome is out of reach.

mod ahead;
mod args;
mod artifacts;
mod builders;
mod builds;
mod catalog;
mod changes;
mod claim;
mod connection;
mod error;
mod follow;
mod gocache;
mod imports;
mod lint;
mod lock;
mod logs;
mod objects;
mod open;
mod provision;
mod record;
pub mod roles;
mod watch;

pub use ahead::AheadOrders;
pub use args::NatsArgs;
pub use artifacts::Artifacts;
pub use builders::Builders;
pub use builds::{Builds, Purged, Submitted};
pub use catalog::Catalog;
pub use changes::{Change, Changes};
pub use claim::{Claim, ClaimOutcome, FinishOutcome};
pub use connection::{ConnectError, Connection, Health, Violation};
pub use error::StoreError;
pub use gocache::{GoCache, Kept};
pub use lint::{LintAsker, LintQuestions};
pub use logs::{LogFollower, Logged, Logs, LogsEvent, LogsState};
pub use objects::{Objects, StoredObject};
pub use open::MendedHints;
pub use provision::{ProvisionError, ProvisionOptions, provision};
pub use record::{Revision, Versioned, Written};
pub use watch::{WatchEvent, Watcher};
use wombat_model::names::CATALOG_DOCS_BUCKET;

/// Every bucket, opened. Opening fails where one is missing; `wombat setup` makes them.
#[derive(Clone, Debug)]
pub struct Store {
    /// Records of builds.
    pub builds: Builds,
    /// Presence of builders.
    pub builders: Builders,
    /// Module releases.
    pub catalog: Catalog,
    /// Phases and log lines.
    pub logs: Logs,
    /// Finished binaries.
    pub artifacts: Artifacts,
    /// What imports into the catalog found out.
    pub documents: Objects,
    /// What Go compiled once.
    pub gocache: GoCache,
}

impl Store {
    /// Opens what [`provision`] made.
    pub async fn open(connection: &Connection) -> Result<Self, StoreError> {
        // Opening each is a large future; whoever waits for all of them need not carry it.
        tokio::select! {
            opened = Box::pin(Self::open_all(connection)) => opened,
            violation = connection.denied() => Err(StoreError::Denied(violation)),
        }
    }

    async fn open_all(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            builds: Box::pin(Builds::open(connection)).await?,
            builders: Box::pin(Builders::open(connection)).await?,
            catalog: Box::pin(Catalog::open(connection)).await?,
            logs: Box::pin(Logs::open(connection)).await?,
            artifacts: Box::pin(Artifacts::open(connection)).await?,
            documents: Box::pin(Objects::open(connection, CATALOG_DOCS_BUCKET)).await?,
            gocache: Box::pin(GoCache::open(connection)).await?,
        })
    }
}
