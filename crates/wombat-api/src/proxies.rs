//! What the operator says about proxies between clients and the gateway.

use std::{
    net::IpAddr,
    sync::{Arc, Once},
};

use http::HeaderMap;
use tracing::warn;

use crate::args::{Network, PublicUrl};

/// Headers in which proxies name the client.
const FORWARDED: [&str; 2] = ["x-forwarded-for", "forwarded"];

/// What the operator says about proxies between clients and the gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ProxySettings {
    /// URL by which clients reach the gateway.
    pub(crate) public_url: Option<Arc<PublicUrl>>,
    /// Proxies whose `X-Forwarded` headers are trusted.
    trusted_proxies: Arc<[Network]>,
    /// Whether the warning of a proxy that isn't one of them was logged.
    warned: Arc<Once>,
}

impl ProxySettings {
    pub(crate) fn new(public_url: Option<PublicUrl>, trusted_proxies: &[Network]) -> Self {
        Self {
            public_url: public_url.map(Arc::new),
            trusted_proxies: trusted_proxies.into(),
            warned: Arc::new(Once::new()),
        }
    }

    /// Whether any proxy is declared.
    pub(crate) fn has_proxies(&self) -> bool {
        !self.trusted_proxies.is_empty()
    }

    /// Whether this peer is a declared proxy.
    pub(crate) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|it| it.contains(peer))
    }

    /// The last address in `X-Forwarded-For` that isn't a declared proxy's: the client may have made up those before it.
    pub(crate) fn nearest_client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let all: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        all.into_iter()
            .rev()
            .map_while(|text| text.trim().parse::<IpAddr>().ok())
            .map(|address| address.to_canonical())
            .find(|address| !self.is_proxy(*address))
    }

    /// Warns once if a peer on this machine forwards requests without being declared: all of its clients count as one.
    pub(crate) fn check_declared(&self, peer: IpAddr, headers: &HeaderMap) {
        let forwards = || FORWARDED.iter().any(|name| headers.contains_key(*name));
        if peer.is_loopback() && forwards() {
            self.warned.call_once(|| {
                warn!(
                    %peer,
                    "a proxy on this machine forwards requests, and its headers aren't used: limits and quotas don't tell its clients apart; declare it with --trusted-proxy {peer} (WOMBAT_TRUSTED_PROXIES)"
                );
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_proxy_on_this_machine_that_is_not_declared_is_told_of() {
        let forwarded: &[&str] = &["x-forwarded-for"];
        let proxy: Network = "127.0.0.2".parse().unwrap();
        for (proxies, peer, names, warned) in [
            (&[][..], "127.0.0.2", forwarded, true),
            (&[], "::1", &["forwarded"], true),
            (&[], "127.0.0.2", &["host"], false),
            (&[], "8.8.8.8", forwarded, false),
            (&[proxy], "127.0.0.1", forwarded, true),
        ] {
            let settings = ProxySettings::new(None, proxies);
            let headers = names.iter().map(|name| {
                let value = HeaderValue::from_static("9.9.9.9");
                (HeaderName::from_static(name), value)
            });
            settings.check_declared(peer.parse().unwrap(), &headers.collect());
            assert_eq!(settings.warned.is_completed(), warned, "{proxies:?} {peer}");
        }
    }
}
