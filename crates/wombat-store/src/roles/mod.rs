//! Permissions in NATS: a user per role, each with its own inbox and exactly the subjects that it needs.
//!
//! *permissions*: the table, as data · *config*: the same as the configuration of a nats-server.

mod config;
mod permissions;

use std::fmt;

pub use config::RoleKeys;
pub use permissions::Permissions;

/// A kind of process that connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Service,
        Self::Builder,
        Self::Api,
        Self::ReadOnly,
    ];

    /// Its name in files and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Service => "service",
            Self::Builder => "builder",
            Self::Api => "api",
            Self::ReadOnly => "read-only",
        }
    }

    /// Prefix of the subjects of its replies, so that no role reads another's.
    pub fn inbox_prefix(self) -> String {
        inbox_prefix(self.name())
    }
}

impl fmt::Display for NatsRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The same for a connection of this name.
pub(crate) fn inbox_prefix(name: &str) -> String {
    format!("_INBOX_{name}")
}
