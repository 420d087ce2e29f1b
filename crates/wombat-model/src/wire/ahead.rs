//! Orders to build ahead: a service sends them to builders when a client is likely to request a build soon.

use serde::{Deserialize, Serialize};

use crate::{Build, BuilderId};

/// A message at [`AHEAD_SUBJECT`](crate::names::AHEAD_SUBJECT), for all builders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AheadOrder {
    /// The client; a later order for the same client replaces this one.
    pub client: String,
    /// The builder that should build; the others drop their order for this client.
    pub builder: BuilderId,
    /// The build as it would be stored if it were requested.
    pub build: Build,
}
