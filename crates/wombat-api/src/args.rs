//! Flags and environment of the gateway.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use wombat_model::{
    names::HTTP_PORT,
    units::{self, MIB},
};
use wombat_store::renamed;

use crate::limit_args::LimitArgs;

/// Disk space for cached binaries, in bytes, unless the operator chooses otherwise.
const CACHE_LIMIT: u64 = 4 << 30;

/// Options of the gateway.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub struct ApiArgs {
    /// Address to listen on
    #[arg(long, env = "WOMBAT_HTTP", value_name = "ADDRESS:PORT", default_value_t = default_address())]
    pub http: SocketAddr,

    /// Port to listen on, instead of the one in --http
    #[arg(long, env = "HTTP_PORT", value_name = "PORT")]
    pub http_port: Option<u16>,

    /// Token file; cancelling, forced rebuilds and administration need a token from it (`wombat token new` adds one)
    #[arg(long, env = "WOMBAT_TOKENS", value_name = "FILE")]
    pub tokens: Option<PathBuf>,

    /// Also require a token for requesting builds and linting pipelines
    #[arg(long, env = "WOMBAT_REQUIRE_TOKEN", requires = "tokens")]
    pub require_token: bool,

    /// URL by which clients reach this gateway, such as `https://builds.example.org`; by default taken from each request
    #[arg(long, env = "WOMBAT_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Address or network of a proxy whose X-Forwarded headers are trusted (repeatable)
    #[arg(
        long = "trusted-proxy",
        env = "WOMBAT_TRUSTED_PROXIES",
        value_name = "ADDRESS[/BITS]",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<Network>,

    /// Disk space for the cache of downloaded binaries [default: 4GiB]
    #[arg(long, env = "WOMBAT_ARTIFACT_CACHE_LIMIT", value_name = "SIZE", value_parser = units::limit)]
    pub artifact_cache_limit: Option<u64>,

    /// The name of `--artifact-cache-limit` before version 0.2.0, in MiB
    #[arg(long, env = "WOMBAT_ARTIFACT_CACHE_MIB", value_name = "MIB", hide = true,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub artifact_cache_mib: Option<u64>,

    /// How much clients may hold at a time
    #[command(flatten)]
    pub limits: LimitArgs,
}

impl Default for ApiArgs {
    fn default() -> Self {
        Self {
            http: default_address(),
            http_port: None,
            tokens: None,
            require_token: false,
            public_url: None,
            trusted_proxies: Vec::new(),
            artifact_cache_limit: None,
            artifact_cache_mib: None,
            limits: LimitArgs::default(),
        }
    }
}

impl ApiArgs {
    /// Disk space for cached binaries, in bytes. Warns of the option's old name.
    pub(crate) fn cache_limit(&self) -> u64 {
        let old = self.artifact_cache_mib.map(|mib| mib.saturating_mul(MIB));
        let (old_name, new_name) = (
            "--artifact-cache-mib (WOMBAT_ARTIFACT_CACHE_MIB)",
            "--artifact-cache-limit (WOMBAT_ARTIFACT_CACHE_LIMIT)",
        );
        renamed(self.artifact_cache_limit, old, old_name, new_name).unwrap_or(CACHE_LIMIT)
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        let mut address = self.http;
        if let Some(port) = self.http_port {
            address.set_port(port);
        }
        address
    }
}

fn default_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, HTTP_PORT).into()
}

/// An `http` or `https` URL with a host and perhaps a port and a path, without a `/` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    authority: String,
}

impl PublicUrl {
    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Host and port, as an `Origin` names them.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// The text isn't a public URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` isn't a URL such as https://builds.example.org, without user and query")]
pub struct ParsePublicUrlError(String);

impl FromStr for PublicUrl {
    type Err = ParsePublicUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reject = || ParsePublicUrlError(text.to_owned());
        let uri: http::Uri = text.parse().map_err(|_| reject())?;
        let authority = uri.authority().ok_or_else(reject)?;
        let fits = matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.query().is_none()
            && !authority.as_str().contains('@');
        if !fits {
            return Err(reject());
        }
        Ok(Self {
            text: text.trim_end_matches('/').to_owned(),
            authority: authority.as_str().to_ascii_lowercase(),
        })
    }
}

/// An IP address, or a network: all addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The text is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` isn't an address such as 10.0.0.1, or a network such as 10.0.0.0/8")]
pub struct ParseNetworkError(String);

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reject = || ParseNetworkError(text.to_owned());
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| reject())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| reject())?,
            None => most,
        };
        if bits > most {
            return Err(reject());
        }
        Ok(Self { address, bits })
    }
}

impl Network {
    /// Whether an address is in the network.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let kept = 32 - u32::from(self.bits);
                let [a, b] = [network, address].map(|ip| u64::from(ip.to_bits()) >> kept);
                a == b
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let kept = 128 - u32::from(self.bits);
                let [a, b] =
                    [network, address].map(|ip| ip.to_bits().checked_shr(kept).unwrap_or(0));
                a == b
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_begins_alike() {
        let cases = [
            ("10.1.0.0/16", "10.1.200.3", true),
            ("10.1.0.0/16", "10.2.0.1", false),
            ("10.1.0.0/16", "::ffff:10.1.0.9", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "9.9.9.9", true),
            ("fd00::/8", "fd12::1", true),
            ("::/0", "::1", true),
            ("::1", "::2", false),
        ];
        for (network, address, inside) in cases {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                inside,
                "{network:?} {address}"
            );
        }
        for bad in ["", "10.0.0.0/33", "::/129", "host", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_public_url_has_a_host_and_no_query() {
        let url: PublicUrl = "https://Builds.example.org:8443/w/".parse().unwrap();
        assert_eq!(url.as_str(), "https://Builds.example.org:8443/w");
        assert_eq!(url.authority(), "builds.example.org:8443");
        for bad in ["", "/x", "ftp://a", "https://u:p@a", "https://a/?b", "a.b"] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }
}
