//! Permissions in NATS: an account for each role, and a user for each process or person, with exactly the subjects that
//! it needs.
//!
//! *permissions*: the table, as data · *access*: a line of it · *account*: the accounts · *layout*: what the accounts
//! export and import, which follows from the table · *keys*: the users, and the configuration of a nats-server ·
//! *`user_name`*: names of users in subjects.

mod access;
mod account;
mod keys;
mod layout;
mod permissions;
mod rows;
mod user_name;

pub use access::{Access, Permissions, Replies, Use};
pub use account::Account;
pub use keys::{InvalidSeed, RoleKeys};
pub use layout::{Export, Exported, exports};
use strum::VariantArray;
pub(crate) use user_name::LOCK;
pub use user_name::{InvalidUserName, UserName};

/// Prefix of the JetStream API in the account that has JetStream.
pub(crate) const SERVER_API: &str = "$JS.API.";
/// JetStream domain of the imported API in clients. The server itself must not have a domain of this name.
pub const JETSTREAM_DOMAIN: &str = "wombat";
/// Prefix of the store's JetStream API in the other accounts.
pub(crate) const IMPORTED_API: &str = "$JS.wombat.API.";

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
    /// `wombat setup`, and operators: everything in the account of the store.
    Admin,
    /// `wombat service`.
    Service,
    /// `wombat builder`.
    Builder,
    /// Publishes what builders built; it has an account, and no user yet.
    Publisher,
    /// `wombat api`.
    Api,
    /// Scripts and people who only read: requests that change nothing, and binaries.
    ReadOnly,
}

impl NatsRole {
    /// All of them.
    pub const ALL: &[Self] = Self::VARIANTS;
    /// Those that have users.
    pub const WITH_USERS: [Self; 5] = [
        Self::Admin,
        Self::Service,
        Self::Builder,
        Self::Api,
        Self::ReadOnly,
    ];

    /// Its name in files and documents.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Prefix of the subjects of its replies, so that no role reads another's. Builders have the user's name after it.
    /// People use clients with the usual prefix.
    pub fn inbox_prefix(self) -> String {
        match self {
            Self::ReadOnly => "_INBOX".to_owned(),
            Self::Admin | Self::Service | Self::Builder | Self::Publisher | Self::Api => {
                inbox_prefix(self.name())
            }
        }
    }

    /// Subjects of the replies to all its users.
    fn inboxes(self) -> String {
        format!("{}.>", self.inbox_prefix())
    }
}

/// The same for a connection of this name.
pub(crate) fn inbox_prefix(name: &str) -> String {
    format!("_INBOX_{name}")
}
