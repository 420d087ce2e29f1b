//! How strictly a builder confines its child processes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The confinement of a builder's child processes; each level includes the one before.
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
pub enum SandboxLevel {
    /// Only limits on time, memory and files: the operator turned the sandbox off.
    None,
    /// The kernel lets them open only the folders that they need, and connect only to the builder's module proxy.
    Landlock,
    /// They see no process but their own, and, where they need no modules, no network at all.
    Namespaces,
}

impl SandboxLevel {
    /// As it is spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Landlock => "landlock",
            Self::Namespaces => "namespaces",
        }
    }
}

impl fmt::Display for SandboxLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
