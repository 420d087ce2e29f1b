//! The name of the state that a build is in.

use std::fmt;

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
)]
#[serde(rename_all = "lowercase")]
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
    /// All, in the order of a build's life.
    pub const ALL: &[Self] = &[
        Self::New,
        Self::Building,
        Self::Success,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As it is spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Building => "building",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it stays as it is until it is requested again.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::New | Self::Building => false,
            Self::Success | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
