//! Any server with the REST API of the first wombat-builder: `POST /api/builds`, `GET /api/builds?q=` and
//! `/artifacts/{goos}/{goarch}/{go}/{hash}`. Nothing else is used.

use std::{
    fmt,
    net::SocketAddr,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use hyper::Uri;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use crate::http::{Connection, request};

/// Time between two checks for the binary.
const POLL: Duration = Duration::from_millis(10);
/// Time between two checks for a failure, which not every server reports at the binary's URL.
const LOOK: Duration = Duration::from_secs(2);

/// The address of a server, as `http://HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(String);

impl Place {
    /// `HOST:PORT`.
    pub(crate) fn host(&self) -> &str {
        &self.0
    }

    /// The address to connect to.
    pub(crate) async fn address(&self) -> anyhow::Result<SocketAddr> {
        tokio::net::lookup_host(&self.0)
            .await
            .with_context(|| format!("looking for {self}"))?
            .next()
            .with_context(|| format!("{self} has no address"))
    }
}

impl FromStr for Place {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || format!("`{text}` is not of the form http://HOST[:PORT]");
        let uri: Uri = text.parse().with_context(form)?;
        let authority = uri.authority().with_context(form)?;
        let host = authority.host();
        let place = format!("{host}:{}", authority.port_u16().unwrap_or(80));
        // Anything besides host and port is a user, or an invalid port.
        let only = uri.scheme_str() == Some("http")
            && uri.path_and_query().is_none_or(|rest| rest == "/")
            && [host, &place].contains(&authority.as_str());
        ensure!(only, form());
        Ok(Self(place))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

/// The fields of a build that every such server sends.
#[derive(Debug, Deserialize)]
struct Build {
    /// `build.<goos>.<goarch>.<go>.<hash>`.
    id: String,
    status: String,
    #[serde(default)]
    error: serde_json::Value,
}

/// A build whose binary can be downloaded.
#[derive(Debug)]
pub(crate) struct Downloadable {
    /// Time from the request to the first byte of the binary; `None` if it was finished before.
    pub(crate) after: Option<Duration>,
    /// Its path.
    pub(crate) path: String,
    /// Its size in bytes.
    pub(crate) size: usize,
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Server {
    place: Place,
    connection: Connection,
}

impl Server {
    pub(crate) async fn connect(place: Place, address: SocketAddr) -> anyhow::Result<Self> {
        let connection = Connection::open(address)
            .await
            .with_context(|| format!("connecting to {place}"))?;
        Ok(Self { place, connection })
    }

    /// Requests a build and waits until its binary can be downloaded, at most this long.
    pub(crate) async fn build(
        &mut self,
        body: &str,
        patience: Duration,
    ) -> anyhow::Result<Downloadable> {
        timeout(patience, self.until_downloadable(body))
            .await
            .with_context(|| format!("no binary within {} s", patience.as_secs()))?
            .with_context(|| format!("asking {} for {body}", self.place))
    }

    async fn until_downloadable(&mut self, body: &str) -> anyhow::Result<Downloadable> {
        let start = Instant::now();
        let first = self.ask(body).await?;
        let path = artifact_path(&first.id)?;
        let get = request("GET", &path, self.place.host(), "");
        let mut looked = Instant::now();
        loop {
            let mut after = None;
            let mut size = 0;
            let status = self
                .connection
                .exchange(&get, |piece| {
                    after.get_or_insert_with(|| start.elapsed());
                    size += piece.len();
                })
                .await?
                .status;
            if status == 200 {
                ensure!(size > 0, "an empty binary");
                let after = after.filter(|_| first.status != "success");
                return Ok(Downloadable { after, path, size });
            }
            if looked.elapsed() > LOOK {
                let build = self.ask(body).await?;
                ensure!(build.status != "failed", "it failed: {}", build.error);
                looked = Instant::now();
            }
            sleep(POLL).await;
        }
    }

    async fn ask(&mut self, body: &str) -> anyhow::Result<Build> {
        let post = request("POST", "/api/builds", self.place.host(), body);
        let mut answer = Vec::new();
        let status = self
            .connection
            .exchange(&post, |piece| answer.extend_from_slice(piece))
            .await?
            .status;
        let shown = || String::from_utf8_lossy(&answer).into_owned();
        ensure!((200..300).contains(&status), "{status}: {}", shown());
        serde_json::from_slice(&answer).with_context(|| format!("{status}: {}", shown()))
    }
}

fn artifact_path(id: &str) -> anyhow::Result<String> {
    let parts: Vec<&str> = id.split('.').collect();
    let ["build", goos, goarch, go, hash] = parts[..] else {
        bail!("`{id}` is not of the form build.GOOS.GOARCH.GO.HASH");
    };
    Ok(format!("/artifacts/{goos}/{goarch}/{go}/{hash}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_host_and_a_port() {
        let host = |text: &str| text.parse::<Place>().map(|place| place.0).ok();
        assert_eq!(
            host("http://127.0.0.1:4430/").as_deref(),
            Some("127.0.0.1:4430")
        );
        assert_eq!(host("http://builder").as_deref(), Some("builder:80"));
        assert_eq!(host("http://[::1]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(host("http://[::1]").as_deref(), Some("[::1]:80"));
        for bad in [
            "https://builder",
            "builder:80",
            "http://",
            "http://builder:x",
            "http://builder/api",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_binary_is_where_its_id_says() {
        assert_eq!(
            artifact_path("build.linux.amd64.1_26_8.ab12").unwrap(),
            "/artifacts/linux/amd64/1_26_8/ab12"
        );
        assert!(artifact_path("linux.amd64").is_err());
    }
}
