//! Permissions in NATS: a user per role, each with its own inbox and exactly the subjects that it needs.
//!
//! *permissions*: the table, as data · *config*: the same as the configuration of a nats-server.

mod config;
mod permissions;

pub use config::RoleKeys;
pub use permissions::Permissions;
use strum::VariantArray;

/// A kind of process that connects.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum NatsRole {
    /// `wombat setup`, and operators: everything.
    Admin,
    /// `wombat service`.
    Service,
    /// `wombat builder`.
    Builder,
    /// `wombat api`.
    Api,
    /// Scripts and people who only read: requests that change nothing, and binaries.
    ReadOnly,
}

impl NatsRole {
    /// All of them.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its name in files and documents.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Prefix of the subjects of its replies, so that no role reads another's.
    pub fn inbox_prefix(self) -> String {
        inbox_prefix(self.name())
    }
}

/// The same for a connection of this name.
pub(crate) fn inbox_prefix(name: &str) -> String {
    format!("_INBOX_{name}")
}
