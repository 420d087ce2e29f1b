//! The options of a connection: user, secret and certificates.

use std::path::Path;

use async_nats::ConnectOptions;
use nkeys::KeyPair;
use tracing::warn;

use crate::{NatsArgs, address::UrlLogin, fitness::UnfitServer, roles::UserName};

/// Why connecting failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file that was named can't be read.
    #[error("can't read {what} in {path}: {source}")]
    File {
        /// What it should contain.
        what: &'static str,
        /// The file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// JWT and seed don't make credentials.
    #[error("the user JWT and seed can't be read: {0}")]
    Jwt(std::io::Error),
    /// The server can't be reached, or refuses the login.
    #[error("can't connect to NATS at {url}: {source}")]
    Connect {
        /// The address, without user and password.
        url: String,
        /// The client's error.
        source: async_nats::ConnectError,
    },
    /// There are different logins.
    #[error("{0}")]
    Login(&'static str),
    /// The server is reachable, but can't be used.
    #[error(transparent)]
    Unfit(#[from] UnfitServer),
}

/// A login, and the certificates.
pub(crate) struct Login {
    pub(crate) options: ConnectOptions,
    /// The user's name in subjects: the JWT's, else derived from its key, else the host's.
    pub(crate) user: UserName,
}

/// Reads the login and the certificates that the arguments name.
pub(crate) async fn login(
    args: &NatsArgs,
    in_url: Option<UrlLogin>,
) -> Result<Login, ConnectError> {
    let mut options = ConnectOptions::new();
    let mut user = None;
    // The separate login is the more deliberate one, and used to be the only one that counted.
    if in_url.is_some() && args.has_login() {
        warn!(
            "NATS_URL (--nats-url) contains a login, but another one is given too, which is used instead"
        );
    }
    if let Some(login) = in_url.filter(|_| !args.has_login()) {
        options = match login {
            UrlLogin::User { name, password } => options.user_and_password(name, password),
            UrlLogin::Token(token) => options.token(token),
        };
    } else if let Some(path) = &args.credentials {
        let unreadable = |source| unreadable("the credentials", path, source);
        let text = read(path).await.map_err(unreadable)?;
        user = jwt_in(&text).and_then(UserName::of_jwt);
        options = options.credentials(&text).map_err(unreadable)?;
    } else if let (Some(jwt), Some(seed)) = (&args.jwt, &args.seed) {
        let credentials = format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        user = UserName::of_jwt(jwt);
        options = options
            .credentials(&credentials)
            .map_err(ConnectError::Jwt)?;
    } else if let Some(seed) = &args.seed {
        user = name_of(seed);
        options = options.nkey(seed.clone());
    } else if let Some(path) = &args.seed_file {
        let seed = read(path).await;
        let seed = seed.map_err(|source| unreadable("the seed", path, source))?;
        user = name_of(&seed);
        options = options.nkey(seed.trim().to_owned());
    } else if let (Some(user), Some(password)) = (&args.user, &args.password) {
        options = options.user_and_password(user.clone(), password.clone());
    } else if let (Some(user), Some(path)) = (&args.user, &args.password_file) {
        let password = read(path).await;
        let password = password.map_err(|source| unreadable("the password", path, source))?;
        let password = password.trim_end_matches(['\r', '\n']);
        options = options.user_and_password(user.clone(), password.to_owned());
    }
    Ok(Login {
        options: with_certificates(options, args).await?,
        user: user.unwrap_or_else(|| UserName::of_host(&host_name())),
    })
}

async fn with_certificates(
    mut options: ConnectOptions,
    args: &NatsArgs,
) -> Result<ConnectOptions, ConnectError> {
    // The client reads these when it connects, and wouldn't name the one that is missing.
    for (what, path) in [
        ("the authorities", &args.tls_ca),
        ("the certificate", &args.tls_certificate),
        ("the certificate's key", &args.tls_key),
    ] {
        if let Some(path) = path {
            let opened = tokio::fs::File::open(path).await;
            opened.map_err(|source| unreadable(what, path, source))?;
        }
    }
    if let Some(path) = &args.tls_ca {
        options = options
            .add_root_certificates(path.clone())
            .require_tls(true);
    }
    if let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) {
        options = options
            .add_client_certificate(certificate.clone(), key.clone())
            .require_tls(true);
    }
    Ok(options)
}

async fn read(path: &Path) -> std::io::Result<String> {
    tokio::fs::read_to_string(path).await
}

/// The JWT in a credentials file.
fn jwt_in(credentials: &str) -> Option<&str> {
    let mut lines = credentials.lines();
    lines.find(|line| line.contains("BEGIN NATS USER JWT"))?;
    lines.next()
}

/// The name of the user with this key. A seed that can't be read is reported on connecting.
fn name_of(seed: &str) -> Option<UserName> {
    let key = KeyPair::from_seed(seed.trim()).ok()?;
    Some(UserName::of_key(&key.public_key()))
}

fn host_name() -> String {
    let uname = rustix::system::uname();
    uname.nodename().to_string_lossy().into_owned()
}

fn unreadable(what: &'static str, path: &Path, source: std::io::Error) -> ConnectError {
    ConnectError::File {
        what,
        path: path.display().to_string(),
        source,
    }
}
