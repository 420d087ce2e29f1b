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

    /// JWT of the user; requires `NATS_USER_SEED`
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
        hide = true
    )]
    pub seed: Option<String>,

    /// File with the seed of the user's key, for nkey login; `wombat setup --write-config` writes one per user. The seed
    /// itself, also that of --nats-user-jwt, may be in the variable `NATS_USER_SEED`
    #[arg(
        long = "nats-user-seed-file",
        env = "WOMBAT_NATS_USER_SEED_FILE",
        value_name = "FILE",
        group = "login",
        conflicts_with = "seed"
    )]
    pub seed_file: Option<PathBuf>,

    /// JetStream domain of the server, or of the imports in this user's account [default: none, or `wombat` where the
    /// user's account has no JetStream of its own]
    #[arg(
        long = "js-domain",
        env = "WOMBAT_NATS_JS_DOMAIN",
        value_name = "NAME",
        value_parser = domain
    )]
    pub js_domain: Option<String>,

    /// Prefix of the subjects on which this process receives replies [default: _INBOX_ and the role; for builders also
    /// the user's name]
    #[arg(
        long = "nats-inbox-prefix",
        env = "WOMBAT_NATS_INBOX_PREFIX",
        value_name = "SUBJECT"
    )]
    pub inbox_prefix: Option<String>,

    /// User name; requires a password
    #[arg(
        long = "nats-user",
        env = "WOMBAT_NATS_USER",
        value_name = "NAME",
        group = "login",
        requires = "nats-password-source"
    )]
    pub user: Option<String>,

    /// Password of --nats-user
    #[arg(
        long = "nats-password",
        env = "WOMBAT_NATS_PASSWORD",
        value_name = "PASSWORD",
        hide = true,
        group = "nats-password-source",
        requires = "user"
    )]
    pub password: Option<String>,

    /// File with the password of --nats-user; the password itself may be in the variable `WOMBAT_NATS_PASSWORD`
    #[arg(
        long = "nats-password-file",
        env = "WOMBAT_NATS_PASSWORD_FILE",
        value_name = "FILE",
        group = "nats-password-source",
        requires = "user"
    )]
    pub password_file: Option<PathBuf>,

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

/// A domain is a token of subjects.
fn domain(text: &str) -> Result<String, String> {
    let is_bad =
        |letter: char| letter.is_whitespace() || letter.is_control() || ".*>".contains(letter);
    if text.is_empty() || text.contains(is_bad) {
        return Err("a JetStream domain has no spaces, `.`, `*` or `>`".to_owned());
    }
    Ok(text.to_owned())
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
