//! How strictly a builder confines its child processes.

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
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
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
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
