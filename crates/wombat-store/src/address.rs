//! The servers that `NATS_URL` names, and the login that their addresses may contain.

use percent_encoding::percent_decode_str;

/// The login in an address.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum UrlLogin {
    /// `nats://name:password@host`
    User { name: String, password: String },
    /// `nats://token@host`
    Token(String),
}

/// Addresses without logins, and the one login that they contained.
#[derive(Default)]
pub(crate) struct Servers {
    pub(crate) addresses: Vec<String>,
    pub(crate) login: Option<UrlLogin>,
}

/// The addresses contain different logins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DifferentLogins;

impl Servers {
    /// Reads addresses that are separated by commas.
    pub(crate) fn parse(url: &str) -> Result<Self, DifferentLogins> {
        let mut servers = Self::default();
        for (address, login) in url.split(',').map(|server| split(server.trim())) {
            servers.addresses.push(address);
            match (&servers.login, login) {
                (Some(known), Some(login)) if *known != login => return Err(DifferentLogins),
                (None, Some(login)) => servers.login = Some(login),
                (_, Some(_) | None) => {}
            }
        }
        Ok(servers)
    }
}

/// The address, and the login in it. A host has no `@`, and a password may.
fn split(server: &str) -> (String, Option<UrlLogin>) {
    let (scheme, rest) = match server.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), server),
    };
    let Some((login, host)) = rest.rsplit_once('@') else {
        return (server.to_owned(), None);
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let login = match login.split_once(':') {
        Some((name, password)) => UrlLogin::User {
            name: decoded(name),
            password: decoded(password),
        },
        None => UrlLogin::Token(decoded(login)),
    };
    (format!("{scheme}{host}"), Some(login))
}

/// The addresses as they may be shown: a URL may hold a password.
pub(crate) fn without_login(url: &str) -> String {
    let addresses = url.split(',').map(|server| split(server.trim()).0);
    addresses.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, password: &str) -> UrlLogin {
        UrlLogin::User {
            name: name.to_owned(),
            password: password.to_owned(),
        }
    }

    fn login(url: &str) -> Option<UrlLogin> {
        let servers = Servers::parse(url).unwrap_or_default();
        assert!(servers.addresses.iter().all(|it| !it.contains('@')));
        servers.login
    }

    #[test]
    fn a_login_is_taken_out_of_the_address() {
        assert!(login("nats://a:4222,b").is_none());
        assert!(login("nats://u:p@a:4222") == Some(user("u", "p")));
        assert!(login("u:p%40x@a") == Some(user("u", "p@x")));
        assert!(login("tls://u:p@x@a, tls://b") == Some(user("u", "p@x")));
        assert!(login("nats://s3cret@a") == Some(UrlLogin::Token("s3cret".to_owned())));
        assert!(login("nats://u:p@a,nats://u:p@b") == Some(user("u", "p")));
        assert!(Servers::parse("nats://u:p@a,nats://v:p@b").is_err());
    }

    #[test]
    fn errors_show_no_password() {
        assert_eq!(
            without_login("nats://u:p@a:4222, b:4222"),
            "nats://a:4222, b:4222"
        );
    }
}
