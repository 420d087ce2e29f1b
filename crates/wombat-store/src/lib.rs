//! All access to JetStream: the buckets, the stream of logs, the object store, and the rules by which they are written.
//!
//! A record changes only by a revision-checked write. Losing such a race is a value ([`Written::Lost`],
//! [`ClaimOutcome::Lost`], [`FinishOutcome::Fenced`]), never an error; an error means that the outcome isn't known.

mod address;
mod adopt;
mod ahead;
mod args;
mod artifacts;
mod audit;
mod builders;
mod builds;
mod catalog;
mod catalog_keys;
mod changes;
mod claim;
mod clock;
mod complaints;
mod connection;
mod default_releases;
mod error;
mod expiring;
mod find_jetstream;
mod fitness;
mod follow;
mod followers;
mod go_releases;
mod gocache;
mod health;
mod import_work;
mod imports;
mod info;
mod jetstream_api;
mod keys;
mod lint;
mod lock;
mod login;
mod logs;
mod mend_hints;
mod message;
mod objects;
mod open;
mod packed;
mod patience;
mod provision;
mod provision_options;
mod publication;
mod publications;
mod purge;
mod questions;
mod record;
mod reply;
mod requirements;
mod revision;
pub mod roles;
mod room;
mod set_up;
mod settle;
mod stored;
mod streams;
mod submit;
mod upgrade;
mod watch;
mod writes;

pub use ahead::AheadOrders;
pub use args::NatsArgs;
pub use artifacts::Artifacts;
pub use audit::{Finding, Weight, audit};
pub use builders::Builders;
pub use builds::Builds;
pub use catalog::Catalog;
pub use changes::{Change, Changes};
pub use claim::{Claim, ClaimOutcome, FinishOutcome};
pub use connection::Connection;
pub use error::StoreError;
pub use fitness::{LARGEST_MESSAGE, OLDEST_NATS, UnfitServer, is_too_old};
pub use followers::Followers;
pub use gocache::{GoCache, PutOutcome};
pub use health::{Health, Violation};
pub use keys::KeyCount;
pub use lint::{LintQuestions, LintResponder};
pub use login::ConnectError;
pub use logs::{LogFollower, Logged, Logs, LogsEvent, LogsState};
pub use mend_hints::MendedHints;
pub use objects::{ChunkCounts, ObjectReader, Objects, OrphanChunks, StoredObject};
pub use patience::{ELECTION_PATIENCE, patiently, read_or_seen};
pub use provision_options::{OldStorageNames, ProvisionOptions, renamed};
pub use publication::Publication;
pub use publications::{Publications, REUSE};
pub use purge::Purged;
pub use reply::{ParseReplyPrefixError, ReplyPrefix, ReplyRule};
pub use requirements::{RequirementsQuestions, RequirementsResponder};
pub use revision::{Revision, Versioned, Written};
pub use room::Room;
pub use set_up::{ProvisionError, Provisioned, provision, provision_within};
pub use settle::Settled;
pub use submit::{SubmitOptions, Submitted};
pub use upgrade::UpgradeError;
pub use watch::{WatchEvent, Watcher};
pub use writes::restart_nats;

use std::time::Duration;

use wombat_model::names::CATALOG_DOCS_BUCKET;

/// Every bucket, opened. Opening fails if one is missing; `wombat setup` creates them.
#[derive(Clone, Debug)]
pub struct Store {
    /// Records of builds.
    pub builds: Builds,
    /// What services let be built, and what came of it.
    pub publications: Publications,
    /// Presence of builders.
    pub builders: Builders,
    /// Module releases.
    pub catalog: Catalog,
    /// Phases and log lines.
    pub logs: Logs,
    /// Finished binaries.
    pub artifacts: Artifacts,
    /// Results of catalog imports.
    pub documents: Objects,
    /// The compile cache of all builders.
    pub gocache: GoCache,
}

impl Store {
    /// Opens the buckets that [`provision`] created. Waits for [`ELECTION_PATIENCE`] while a cluster is electing
    /// leaders.
    pub async fn open(connection: &Connection) -> Result<Self, StoreError> {
        Self::open_within(connection, ELECTION_PATIENCE).await
    }

    /// The same with another patience.
    pub async fn open_within(
        connection: &Connection,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        // Opening each is a large future, which the caller's future needn't contain.
        patiently(connection, patience, async || {
            Box::pin(Self::open_all(connection)).await
        })
        .await
    }

    async fn open_all(connection: &Connection) -> Result<Self, StoreError> {
        let builds = Box::pin(Builds::open(connection)).await?;
        // From here on the server's time is known.
        builds.now().await?;
        Ok(Self {
            publications: builds.publications.clone(),
            builds,
            builders: Box::pin(Builders::open(connection)).await?,
            catalog: Box::pin(Catalog::open(connection)).await?,
            logs: Box::pin(Logs::open(connection)).await?,
            artifacts: Box::pin(Artifacts::open(connection)).await?,
            documents: Box::pin(Objects::open(connection, CATALOG_DOCS_BUCKET)).await?,
            gocache: Box::pin(GoCache::open(connection)).await?,
        })
    }
}
