//! What a release outside the catalog requires: services ask builders, which can fetch its `go.mod`.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{ModulePath, ModuleVersion};

/// How long a builder may take for one question.
pub const REQUIREMENTS_LIMIT: Duration = Duration::from_secs(20);
/// Longest wait for a reply: the limit, and time for the messages.
pub const REQUIREMENTS_PATIENCE: Duration =
    REQUIREMENTS_LIMIT.saturating_add(Duration::from_secs(5));

/// A service's question to builders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequirementsQuestion {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// Modules whose required versions are of interest.
    pub of: Vec<ModulePath>,
    /// Whether a release that its authors retracted is to be refused. That needs the list of the module's versions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refuse_retracted: bool,
}

/// A builder's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequirementsReply {
    /// The versions that its own `go.mod` requires of the modules of interest.
    Requires(BTreeMap<ModulePath, ModuleVersion>),
    /// Its authors retracted it, for this reason in their words.
    Retracted(String),
    /// It can't be had, in words for people.
    Refused(String),
    /// It can't be had at the moment, in words for people.
    Unavailable(String),
}
