//! The name of the state that a build is in.

use serde::{Deserialize, Serialize};

/// The name of a state, spelled as the original does.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Status {
    /// Waits for a builder.
    New,
    /// A builder is working on it.
    Building,
    /// There is a binary.
    Success,
    /// There is an error.
    Failed,
    /// A client cancelled it.
    Cancelled,
}

impl Status {
    /// As it is spelled on the wire.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it stays as it is until it is requested again.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::New | Self::Building => false,
            Self::Success | Self::Failed | Self::Cancelled => true,
        }
    }
}
