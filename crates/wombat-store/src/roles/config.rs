//! The table of permissions as part of a nats-server's configuration.

use std::fmt::{self, Write as _};

use nkeys::KeyPair;

use super::{NatsRole, Permissions};

/// The account of all buckets and users.
const ACCOUNT: &str = "WOMBAT";
/// How long replies may take, and how many there may be: one process is two services, `$SRV.PING` reaches both, and
/// nats-server counts the second delivery of a request as a reply to it.
const ANSWERS: &str = "{ max: 3, expires: \"10s\" }";

/// A key for each role.
#[derive(Clone)]
pub struct RoleKeys(Vec<(NatsRole, KeyPair)>);

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
    /// New keys, from the system's randomness.
    pub fn generate() -> Self {
        let key = |role: &NatsRole| (*role, KeyPair::new_user());
        Self(NatsRole::ALL.iter().map(key).collect())
    }

    /// The same with an existing key of a role.
    pub fn with_seed(mut self, role: NatsRole, seed: &str) -> Result<Self, InvalidSeed> {
        let key = KeyPair::from_seed(seed.trim()).map_err(InvalidSeed)?;
        for (known, own) in &mut self.0 {
            if *known == role {
                own.clone_from(&key);
            }
        }
        Ok(self)
    }

    fn key(&self, role: NatsRole) -> Option<&KeyPair> {
        let mut all = self.0.iter();
        all.find_map(|(known, key)| (*known == role).then_some(key))
    }

    /// The secret with which a role logs in.
    pub fn seed(&self, role: NatsRole) -> Option<String> {
        self.key(role)?.seed().ok()
    }

    /// The public half.
    pub fn public(&self, role: NatsRole) -> Option<String> {
        Some(self.key(role)?.public_key())
    }

    /// The accounts block. Connections without a login are refused.
    pub fn accounts(&self) -> String {
        let mut text =
            format!("accounts {{\n  {ACCOUNT} {{\n    jetstream: enabled\n    users: [\n");
        for (role, key) in &self.0 {
            // Writing to a string can't fail.
            let _infallible = write_user(&mut text, *role, &key.public_key());
        }
        text.push_str("    ]\n  }\n}\n");
        text
    }
}

fn write_user(text: &mut String, role: NatsRole, public: &str) -> fmt::Result {
    let Permissions {
        publish,
        subscribe,
        answers,
    } = Permissions::of(role);
    writeln!(
        text,
        "      # {role}\n      {{ nkey: {public}, permissions: {{"
    )?;
    write_list(text, "publish", &publish)?;
    write_list(text, "subscribe", &subscribe)?;
    if answers {
        writeln!(text, "          allow_responses: {ANSWERS}")?;
    }
    writeln!(text, "      }} }}")
}

fn write_list(text: &mut String, name: &str, subjects: &[String]) -> fmt::Result {
    writeln!(text, "          {name}: {{ allow: [")?;
    for subject in subjects {
        writeln!(text, "            \"{subject}\"")?;
    }
    writeln!(text, "          ] }}")
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
}
