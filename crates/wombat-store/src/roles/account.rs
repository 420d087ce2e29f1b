//! The accounts: one for the store, and one for each role. Subjects of another account are out of reach unless it
//! exports them and the role's account imports them, so the imports are what a role can do, whatever replies it asks
//! for.

use super::NatsRole;

/// An account of the nats-server.
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
    strum::VariantArray,
)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Account {
    /// JetStream and the admin. Stored data lies under this name.
    Wombat,
    /// The services.
    Service,
    /// The builders.
    Build,
    /// The publisher.
    Publish,
    /// The gateways.
    Api,
    /// People and scripts that only read.
    Read,
}

impl Account {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl NatsRole {
    /// The account of the role's users.
    pub fn account(self) -> Account {
        match self {
            Self::Admin => Account::Wombat,
            Self::Service => Account::Service,
            Self::Builder => Account::Build,
            Self::Publisher => Account::Publish,
            Self::Api => Account::Api,
            Self::ReadOnly => Account::Read,
        }
    }
}
