//! The gateway that is flooded, and its builds.

use std::{net::SocketAddr, sync::Arc};

use wombat_testkit::Site;

use crate::http::request;

/// Where everything is.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) host: String,
    /// A build that doesn't end.
    pub(super) open: String,
    /// Finished builds.
    pub(super) built: Arc<Vec<String>>,
    /// The request for one of them.
    pub(super) repeat: String,
}

impl Target {
    pub(super) fn get(&self, from: &str, path: &str) -> Vec<u8> {
        request("GET", path, &self.forwarded(from), "")
    }

    pub(super) fn forwarded(&self, from: &str) -> String {
        format!("{}\r\nX-Forwarded-For: {from}", self.host)
    }
}

/// Host and port of a site.
pub(super) fn address_of(site: &Site) -> anyhow::Result<(String, SocketAddr)> {
    let host = site.url.trim_start_matches("http://").to_owned();
    let address = host.parse()?;
    Ok((host, address))
}
