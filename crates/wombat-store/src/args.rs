//! Options for the connection to NATS: flags, and the original's environment variables.

use std::{fmt, path::PathBuf};

use crate::address::without_login;

/// Address of NATS and login. At most one kind of login may be given.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "NATS")]
pub struct NatsArgs {
    /// nats-servers, separated by commas; each may contain `user:password@` before its host
    #[arg(
        long = "nats-url",
        env = "NATS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub url: Option<String>,

    /// NATS credentials file with the user's JWT and seed
    #[arg(
        long = "nats-user-creds",
        env = "NATS_USER_CREDS",
        value_name = "FILE",
        group = "login"
    )]
    pub credentials: Option<PathBuf>,

    /// JWT of the user; requires --nats-user-seed
    #[arg(
        long = "nats-user-jwt",
        env = "NATS_USER_JWT",
        value_name = "JWT",
        hide_env_values = true,
        group = "login",
        requires = "seed"
    )]
    pub jwt: Option<String>,

    /// Seed of the user's key, for --nats-user-jwt or, alone, for nkey login
    #[arg(
        long = "nats-user-seed",
        env = "NATS_USER_SEED",
        value_name = "SEED",
        hide_env_values = true
    )]
    pub seed: Option<String>,

    /// File with the seed of the user's key, for nkey login; `wombat setup --write-config` writes one per role
    #[arg(
        long = "nats-user-seed-file",
        env = "WOMBAT_NATS_USER_SEED_FILE",
        value_name = "FILE",
        group = "login",
        conflicts_with = "seed"
    )]
    pub seed_file: Option<PathBuf>,

    /// Prefix of the subjects on which this process receives replies [default: _INBOX_ and the role]
    #[arg(
        long = "nats-inbox-prefix",
        env = "WOMBAT_NATS_INBOX_PREFIX",
        value_name = "SUBJECT"
    )]
    pub inbox_prefix: Option<String>,

    /// User name; requires --nats-password
    #[arg(
        long = "nats-user",
        env = "WOMBAT_NATS_USER",
        value_name = "NAME",
        group = "login",
        requires = "password"
    )]
    pub user: Option<String>,

    /// Password of --nats-user
    #[arg(
        long = "nats-password",
        env = "WOMBAT_NATS_PASSWORD",
        value_name = "PASSWORD",
        hide_env_values = true,
        requires = "user"
    )]
    pub password: Option<String>,

    /// PEM file with the CA certificates to trust; enforces TLS
    #[arg(long = "nats-tls-ca", env = "WOMBAT_NATS_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// PEM file with the client certificate; requires --nats-tls-key
    #[arg(
        long = "nats-tls-cert",
        env = "WOMBAT_NATS_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub tls_certificate: Option<PathBuf>,

    /// PEM file with the key of --nats-tls-cert
    #[arg(
        long = "nats-tls-key",
        env = "WOMBAT_NATS_TLS_KEY",
        value_name = "FILE",
        requires = "tls_certificate"
    )]
    pub tls_key: Option<PathBuf>,
}

impl NatsArgs {
    /// No login, at this address.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Some(url.into()),
            ..Self::default()
        }
    }

    /// The servers as they may be shown: without a login.
    pub fn shown_url(&self) -> String {
        without_login(self.url.as_deref().unwrap_or_default())
    }

    /// Whether a login is given besides the address.
    pub(crate) fn has_login(&self) -> bool {
        self.credentials.is_some()
            || self.jwt.is_some()
            || self.seed.is_some()
            || self.seed_file.is_some()
            || self.user.is_some()
    }
}

/// Secrets stay out of logs.
impl fmt::Debug for NatsArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = [
            ("credentials", self.credentials.is_some()),
            ("jwt", self.jwt.is_some()),
            ("seed", self.seed.is_some()),
            ("password", self.password.is_some()),
        ];
        let given: Vec<&str> = login
            .into_iter()
            .filter_map(|(name, given)| given.then_some(name))
            .collect();
        f.debug_struct("NatsArgs")
            .field("login", &given)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let args = NatsArgs {
            seed: Some("SUSECRET".into()),
            url: Some("nats://u:p@h".into()),
            ..NatsArgs::default()
        };
        let shown = format!("{args:?}");
        assert!(
            shown.contains("seed") && !shown.contains("SUSECRET") && !shown.contains("u:p"),
            "{shown}"
        );
    }
}
