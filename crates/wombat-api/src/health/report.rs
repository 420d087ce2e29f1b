//! The answer of `GET /api/health`.

use serde::Serialize;
use wombat_model::wire::StoreHealth;

use super::{Findings, cache_words};

/// Whether all is well, for people and monitors.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    /// In one word.
    pub status: HealthStatus,
    /// What prevents a list, a request or a download, in sentences: the same as `/readyz` says.
    pub problems: Vec<String>,
    /// What works less well or needs an operator, but refuses nothing to clients.
    pub notes: Vec<String>,
    /// The connection to NATS.
    pub nats: NatsHealth,
    /// How full each bucket and stream is. Empty while that isn't known.
    pub stores: Vec<StoreHealth>,
    /// The gateway's own disk.
    pub cache: CacheHealth,
}

/// Whether all is well, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All is well.
    Ok,
    /// Everything is answered, but something needs an operator.
    Impaired,
    /// A list, a request or a download would be refused.
    Unavailable,
}

/// The connection to NATS.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NatsHealth {
    /// Whether the gateway has one.
    pub connected: bool,
    /// Whether NATS acknowledges what it stores. Left out while no service says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledges: Option<bool>,
}

/// The disk on which the gateway keeps binaries.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CacheHealth {
    /// Bytes of the binaries on it.
    pub used: u64,
    /// Bytes that they may take at most.
    pub limit: u64,
    /// Whether more can be stored. If not, downloads come straight from the object store.
    pub usable: bool,
    /// Why no more can be stored. Left out while `usable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

impl HealthReport {
    pub(crate) fn of(found: Findings, connected: bool) -> Self {
        let status = match (found.problems.is_empty(), found.notes.is_empty()) {
            (false, _) => HealthStatus::Unavailable,
            (true, false) => HealthStatus::Impaired,
            (true, true) => HealthStatus::Ok,
        };
        Self {
            status,
            problems: found.problems,
            notes: found.notes,
            nats: NatsHealth {
                connected,
                acknowledges: found.acknowledges,
            },
            stores: found.stores,
            cache: CacheHealth {
                used: found.cache.used,
                limit: found.cache.limit,
                usable: found.cache.trouble.is_none(),
                words: cache_words(&found.cache),
            },
        }
    }
}
