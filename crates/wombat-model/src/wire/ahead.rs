//! What a service tells builders when somebody seems about to ask for a build.

use serde::{Deserialize, Serialize};

use crate::{Build, BuilderId};

/// A message at [`AHEAD_SUBJECT`](crate::names::AHEAD_SUBJECT), for all builders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AheadOrder {
    /// Whose it is: another order of the same client takes its place.
    pub client: String,
    /// Who is to build; the others drop what they had of this client.
    pub builder: BuilderId,
    /// As it would be stored if it were asked for.
    pub build: Build,
}
