//! Fetches single files of a module proxy into files of the caller.

use std::{io, path::PathBuf, time::Duration};

use tokio::fs::File;

use super::{
    fetch_error::FetchError,
    query::Query,
    source::{OnBytes, Source},
    upstream::Upstream,
};

/// A client of a module proxy, with the relay's time limits and retries, and no cache.
#[derive(Debug)]
pub struct ProxyClient(Source);

impl ProxyClient {
    /// A client that waits this long for the next bytes.
    pub fn new(upstream: Upstream, patience: Duration) -> io::Result<Self> {
        let source = Source::new(upstream, None, patience);
        Ok(Self(source.map_err(io::Error::other)?))
    }

    /// Fetches a file of the module proxy protocol, such as `golang.org/toolchain/@v/list`, and writes it to an empty
    /// file. Calls `on_bytes` with the number of bytes so far, and the number of all if the proxy announced it.
    pub async fn fetch(
        &self,
        path: &str,
        to: PathBuf,
        on_bytes: &OnBytes<'_>,
    ) -> Result<(), FetchError> {
        let query = Query::parse(path).ok_or_else(|| {
            FetchError::Unavailable(format!("`{path}` isn't a path of a module proxy"))
        })?;
        // The end of an archive is read again.
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(true);
        let file = options.open(to).await;
        let mut file = file.map_err(|error| FetchError::local(&error))?;
        self.0.fetch_with(&query, &mut file, on_bytes).await?;
        let written = file.sync_all().await;
        written.map_err(|error| FetchError::local(&error))
    }
}
