//! The users and their keys, and the configuration of a nats-server with them.

use std::fmt::{self, Write as _};

use nkeys::KeyPair;
use strum::VariantArray as _;

use super::{
    Account, NatsRole, Permissions, UserName,
    access::Replies,
    layout::{Export, Exported, Import, exports, imports},
};

/// How long the server waits for a reply that comes soon.
const SOON: &str = "10s";

/// A user.
#[derive(Clone)]
struct User {
    role: NatsRole,
    /// Its name for people; the first user of a role has none.
    label: Option<UserName>,
    key: KeyPair,
}

/// The users of all roles: at least one for each role that has users.
#[derive(Clone)]
pub struct RoleKeys(Vec<User>);

impl fmt::Debug for RoleKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoleKeys(…)")
    }
}

/// The text isn't a user's seed.
#[derive(Debug, thiserror::Error)]
#[error("it isn't a user's seed, which begins with `SU`: {0}")]
pub struct InvalidSeed(nkeys::error::Error);

impl RoleKeys {
    /// A user for each role, with new keys from the system's randomness.
    pub fn generate() -> Self {
        let user = |role: NatsRole| User {
            role,
            label: None,
            key: KeyPair::new_user(),
        };
        Self(NatsRole::WITH_USERS.map(user).into())
    }

    /// The same with an existing key of a role's first user.
    pub fn with_seed(mut self, role: NatsRole, seed: &str) -> Result<Self, InvalidSeed> {
        let key = pair(seed)?;
        if let Some(first) = self.0.iter_mut().find(|user| user.role == role) {
            first.key = key;
        }
        Ok(self)
    }

    /// Adds another user of a role.
    pub fn add(&mut self, role: NatsRole, label: UserName, seed: &str) -> Result<(), InvalidSeed> {
        self.0.push(User {
            role,
            label: Some(label),
            key: pair(seed)?,
        });
        Ok(())
    }

    /// A new secret.
    pub fn new_seed() -> Result<String, InvalidSeed> {
        KeyPair::new_user().seed().map_err(InvalidSeed)
    }

    fn first(&self, role: NatsRole) -> Option<&User> {
        self.0.iter().find(|user| user.role == role)
    }

    /// The secret with which a role's first user logs in.
    pub fn seed(&self, role: NatsRole) -> Option<String> {
        self.first(role)?.key.seed().ok()
    }

    /// The public half.
    pub fn public(&self, role: NatsRole) -> Option<String> {
        Some(self.first(role)?.key.public_key())
    }

    /// The accounts block. Connections without a login are refused.
    pub fn accounts(&self) -> String {
        let mut text = "accounts {\n".to_owned();
        let exports = exports();
        for &account in Account::VARIANTS {
            // Writing to a string can't fail.
            let _infallible = self.write_account(&mut text, account, &exports);
        }
        text.push_str("}\n");
        text
    }

    fn write_account(
        &self,
        text: &mut String,
        account: Account,
        exports: &[Export],
    ) -> fmt::Result {
        writeln!(text, "  {account} {{")?;
        if account == Account::Wombat {
            writeln!(text, "    jetstream: enabled")?;
        }
        writeln!(text, "    users: [")?;
        for user in self.0.iter().filter(|it| it.role.account() == account) {
            write_user(text, user)?;
        }
        writeln!(text, "    ]\n    exports: [")?;
        for export in exports.iter().filter(|it| it.owner == account) {
            write_export(text, export)?;
        }
        writeln!(text, "    ]\n    imports: [")?;
        for import in imports(account) {
            write_import(text, &import)?;
        }
        writeln!(text, "    ]\n  }}")
    }
}

fn pair(seed: &str) -> Result<KeyPair, InvalidSeed> {
    KeyPair::from_seed(seed.trim()).map_err(InvalidSeed)
}

fn write_user(text: &mut String, user: &User) -> fmt::Result {
    let User { role, label, key } = user;
    let public = key.public_key();
    let name = UserName::of_key(&public);
    let Permissions { publish, subscribe } = Permissions::of(*role, &name);
    match label {
        Some(label) => writeln!(text, "      # {role} {label}")?,
        None => writeln!(text, "      # {role}")?,
    }
    writeln!(text, "      {{ nkey: {public}, permissions: {{")?;
    write_list(text, "publish", &publish)?;
    write_list(text, "subscribe", &subscribe)?;
    writeln!(text, "      }} }}")
}

fn write_list(text: &mut String, name: &str, subjects: &[String]) -> fmt::Result {
    writeln!(text, "          {name}: {{ allow: [")?;
    for subject in subjects {
        writeln!(text, "            \"{subject}\"")?;
    }
    writeln!(text, "          ] }}")
}

fn write_export(text: &mut String, export: &Export) -> fmt::Result {
    let Export {
        owner: _,
        subject,
        what,
        to,
    } = export;
    let (kind, replies) = match what {
        Exported::Stream => ("stream", String::new()),
        Exported::Service(Replies::One) => ("service", String::new()),
        Exported::Service(Replies::Soon) => ("service", format!(", threshold: \"{SOON}\"")),
        Exported::Service(Replies::Many) => ("service", ", response_type: stream".to_owned()),
    };
    let to: Vec<&str> = to.iter().map(|account| account.name()).collect();
    writeln!(
        text,
        "      {{ {kind}: \"{subject}\"{replies}, accounts: [{}] }}",
        to.join(", ")
    )
}

fn write_import(text: &mut String, import: &Import) -> fmt::Result {
    let Import {
        owner,
        subject,
        what,
        local,
    } = import;
    let kind = match what {
        Exported::Stream => "stream",
        Exported::Service(_) => "service",
    };
    write!(
        text,
        "      {{ {kind}: {{ account: {owner}, subject: \"{subject}\" }}"
    )?;
    if subject != local {
        write!(text, ", to: \"{local}\"")?;
    }
    writeln!(text, " }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_come_back_and_are_not_shown() {
        let keys = RoleKeys::generate();
        let seed = keys.seed(NatsRole::Api).unwrap();
        let again = RoleKeys::generate()
            .with_seed(NatsRole::Api, &format!("{seed}\n"))
            .unwrap();
        assert_eq!(again.public(NatsRole::Api), keys.public(NatsRole::Api));
        assert!(!format!("{keys:?}{}", keys.accounts()).contains(&seed));
        assert!(
            RoleKeys::generate()
                .with_seed(NatsRole::Api, "SUx")
                .is_err()
        );
    }

    #[test]
    fn another_builder_has_subjects_of_its_own() {
        let mut keys = RoleKeys::generate();
        let seed = RoleKeys::new_seed().unwrap();
        keys.add(NatsRole::Builder, "fox".parse().unwrap(), &seed)
            .unwrap();
        let public = KeyPair::from_seed(&seed).unwrap().public_key();
        let text = keys.accounts();
        assert!(text.contains("# builder fox\n"), "{text}");
        for public in [public, keys.public(NatsRole::Builder).unwrap()] {
            let own = format!("\"$KV.builders.{}.*\"", UserName::of_key(&public));
            assert_eq!(text.matches(&own).count(), 1, "{own}");
        }
        assert_eq!(keys.public(NatsRole::Publisher), None);
    }
}
