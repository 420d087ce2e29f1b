//! The client of a request, and the URL by which it reaches the gateway: from the connection, or from a trusted proxy.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, request::Parts},
};
use http::header;

use crate::proxies::ProxySettings;

/// The other end of a connection; the server puts it into every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The client of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Its address, as far as it is known.
    pub(crate) address: Option<IpAddr>,
    /// The address that a trusted proxy names.
    pub(crate) forwarded: Option<IpAddr>,
    /// The address whose share of places the request takes. `None`: it is known to be this machine's own, since no proxy is
    /// declared.
    pub(crate) limited: Option<IpAddr>,
    /// Host and port that the request names.
    host: Option<String>,
    /// URL of the gateway, if the operator or a trusted proxy names it.
    base: Option<String>,
    public_authority: Option<String>,
}

impl Caller {
    pub(crate) fn of(settings: &ProxySettings, peer: Option<Peer>, headers: &HeaderMap) -> Self {
        let peer = peer.map(|Peer(address)| address.ip().to_canonical());
        let trusted = peer.is_some_and(|peer| settings.is_proxy(peer));
        if let Some(peer) = peer.filter(|_| !trusted) {
            settings.check_declared(peer, headers);
        }
        let client = trusted.then(|| settings.nearest_client(headers)).flatten();
        let address = client.or(peer);
        // Once there is a proxy, a request from this machine may be any client's.
        let is_own =
            !settings.has_proxies() && address.is_some_and(|address| address.is_loopback());
        let forwarded = |name: &str| {
            headers
                .get(name)
                .filter(|_| trusted)
                .and_then(|value| value.to_str().ok())
                .map(|value| value.split(',').next().unwrap_or(value).trim())
        };
        let host = forwarded("x-forwarded-host")
            .or_else(|| headers.get(header::HOST)?.to_str().ok())
            .filter(|host| is_authority(host))
            .map(str::to_ascii_lowercase);
        let scheme = forwarded("x-forwarded-proto").filter(|it| matches!(*it, "http" | "https"));
        let base = match (&settings.public_url, scheme, &host) {
            (Some(url), _, _) => Some(url.as_str().to_owned()),
            (None, Some(scheme), Some(host)) => Some(format!("{scheme}://{host}")),
            (None, None, _) | (None, Some(_), None) => None,
        };
        Self {
            address,
            forwarded: client,
            limited: address.filter(|_| !is_own),
            host,
            base,
            public_authority: settings
                .public_url
                .as_ref()
                .map(|url| url.authority().to_owned()),
        }
    }

    /// A path of the gateway for a `Location`: absolute if the gateway's URL is known.
    pub(crate) fn location(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_deref().unwrap_or_default())
    }

    /// The same for people to copy: absolute, with the host of the request if the gateway's URL isn't known.
    pub(crate) fn shown_url(&self, path: &str) -> String {
        match (&self.base, &self.host) {
            (Some(base), _) => format!("{base}{path}"),
            (None, Some(host)) => format!("http://{host}{path}"),
            (None, None) => path.to_owned(),
        }
    }

    /// Whether an `Origin` is the gateway's website.
    pub(crate) fn is_own_origin(&self, origin: &str) -> bool {
        let Some((_, authority)) = origin.split_once("://") else {
            return false;
        };
        let authority = authority.to_ascii_lowercase();
        [&self.host, &self.public_authority]
            .into_iter()
            .flatten()
            .any(|own| *own == authority)
    }

    /// Whether the request's host is a name that no other website can have.
    pub(crate) fn names_this_machine(&self) -> bool {
        let Some(host) = &self.host else {
            // Browsers always name a host.
            return true;
        };
        if Some(host) == self.public_authority.as_ref() {
            return true;
        }
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) | None => host,
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl<S> FromRequestParts<S> for Caller
where
    ProxySettings: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let settings = ProxySettings::from_ref(state);
        let peer = parts.extensions.get().copied();
        Ok(Self::of(&settings, peer, &parts.headers))
    }
}

fn is_authority(text: &str) -> bool {
    !text.contains('@') && text.parse::<http::uri::Authority>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Network;

    fn caller(peer: &str, given: &[(&'static str, &str)]) -> Caller {
        called(&["10.0.0.0/8"], peer, given)
    }

    fn called(proxies: &[&str], peer: &str, given: &[(&'static str, &str)]) -> Caller {
        let proxies: Vec<Network> = proxies.iter().map(|it| it.parse().unwrap()).collect();
        let settings = ProxySettings::new(None, &proxies);
        let peer = Peer(SocketAddr::new(peer.parse().unwrap(), 1));
        let headers = given
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Caller::of(&settings, Some(peer), &headers)
    }

    const FORWARDED: [(&str, &str); 4] = [
        ("host", "inner:4430"),
        ("x-forwarded-host", "outer.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "6.6.6.6, 9.9.9.9, 10.0.0.7"),
    ];

    #[test]
    fn strangers_forward_nothing() {
        let stranger = caller("8.8.8.8", &FORWARDED);
        assert_eq!(stranger.address, Some("8.8.8.8".parse().unwrap()));
        assert_eq!(stranger.location("/x"), "/x");
        assert_eq!(stranger.shown_url("/x"), "http://inner:4430/x");
        assert!(!stranger.is_own_origin("https://outer.example"));
    }

    #[test]
    fn a_trusted_proxy_tells_who_calls_and_where() {
        let proxied = caller("10.0.0.1", &FORWARDED);
        assert_eq!(proxied.address, Some("9.9.9.9".parse().unwrap()));
        assert_eq!(proxied.location("/x"), "https://outer.example/x");
        assert!(proxied.is_own_origin("https://outer.example"));
        assert!(!proxied.is_own_origin("null"));
    }

    #[test]
    fn this_machine_has_no_limits_until_a_proxy_is_declared() {
        let none: &[&str] = &[];
        for (proxies, peer, limited, forwarded) in [
            (none, "127.0.0.1", None, None),
            (none, "8.8.8.8", Some("8.8.8.8"), None),
            (&["10.0.0.0/8"], "127.0.0.1", Some("127.0.0.1"), None),
            (
                &["10.0.0.0/8"],
                "10.0.0.1",
                Some("9.9.9.9"),
                Some("9.9.9.9"),
            ),
            (
                &["127.0.0.1"],
                "127.0.0.1",
                Some("10.0.0.7"),
                Some("10.0.0.7"),
            ),
        ] {
            let caller = called(proxies, peer, &FORWARDED);
            let address = |text: Option<&str>| text.map(|text| text.parse::<IpAddr>().unwrap());
            assert_eq!(caller.limited, address(limited), "{proxies:?} {peer}");
            assert_eq!(caller.forwarded, address(forwarded), "{proxies:?} {peer}");
        }
        let own = called(&["127.0.0.1"], "127.0.0.1", &[]);
        assert!(own.limited.is_some() && own.forwarded.is_none());
    }

    #[test]
    fn only_loopback_names_are_this_machine() {
        for (host, own) in [
            ("localhost:4430", true),
            ("127.0.0.1:4430", true),
            ("[::1]:4430", true),
            ("[::1]", true),
            ("evil.example:4430", false),
            ("localhost.evil.example", false),
            ("192.168.1.9", false),
        ] {
            assert_eq!(
                caller("127.0.0.1", &[("host", host)]).names_this_machine(),
                own,
                "{host}"
            );
        }
    }
}
