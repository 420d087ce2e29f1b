//! Sends queries to the module proxy, and classifies its failures.

use std::{io, sync::Arc, time::Duration};

use reqwest::{Client, Response, StatusCode, Url};
use tokio::{
    fs::File,
    io::{AsyncSeekExt as _, AsyncWriteExt as _},
    sync::OnceCell,
    task::spawn_blocking,
    time::timeout,
};
use tracing::debug;

use super::{
    archive::{self, ArchiveEnd, MOST_FILES},
    fetch_error::FetchError,
    folder,
    query::Query,
    upstream::{ChecksumDatabase, Upstream},
};

/// Time limit for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Pauses before retries.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// Most bytes to read of an error's body.
const WORDS: usize = 2048;

/// Is called with the number of bytes so far, and the number of all if it is known.
pub type OnBytes<'a> = dyn Fn(u64, Option<u64>) + Send + Sync + 'a;

/// A client of the upstream.
#[derive(Clone, Debug)]
pub(super) struct Source {
    upstream: Upstream,
    checksums: Option<ChecksumDatabase>,
    client: Client,
    /// Time limit for the next bytes.
    patience: Duration,
    passes_on: Arc<OnceCell<bool>>,
}

impl Source {
    pub(super) fn new(
        upstream: Upstream,
        checksums: Option<ChecksumDatabase>,
        patience: Duration,
    ) -> reqwest::Result<Self> {
        // Programs do this at start; tests of this library may not.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .connect_timeout(CONNECT.min(patience))
            .read_timeout(patience)
            .user_agent(concat!("wombat/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            upstream,
            checksums,
            client,
            patience,
            passes_on: Arc::default(),
        })
    }

    /// Writes the answer to an empty file. Retries if that may help.
    pub(super) async fn fetch(&self, query: &Query, file: &mut File) -> Result<(), FetchError> {
        self.fetch_with(query, file, &|_, _| ()).await
    }

    /// The same, and tells how far it is.
    pub(super) async fn fetch_with(
        &self,
        query: &Query,
        file: &mut File,
        on_bytes: &OnBytes<'_>,
    ) -> Result<(), FetchError> {
        let base = match &self.upstream {
            Upstream::Http(base) => base.clone(),
            Upstream::Folder(folder) => {
                let path = folder.join(query.path());
                return folder::copy(path, query.largest(), file).await;
            }
            Upstream::Off => {
                return Err(FetchError::Unavailable(
                    "this builder is offline".to_owned(),
                ));
            }
        };
        let (Some((name, question)), Some(database)) = (query.checksums(), &self.checksums) else {
            return self
                .fetch_again(&base, query.path(), query, file, on_bytes)
                .await;
        };
        if name != database.name || self.passes_on(&base, database).await? {
            return self
                .fetch_again(&base, query.path(), query, file, on_bytes)
                .await;
        }
        if query.is_supported_question() {
            return Ok(());
        }
        self.fetch_again(&database.address, question, query, file, on_bytes)
            .await
    }

    /// Whether the proxy answers for the checksum database, which `go` would ask, too; if not, the database itself is
    /// queried.
    async fn passes_on(&self, base: &Url, database: &ChecksumDatabase) -> Result<bool, FetchError> {
        let ask = async || {
            let question = Query::supported(&database.name);
            let made = spawn_blocking(tempfile::tempfile).await;
            let answer = made.unwrap_or_else(|error| Err(error.into()));
            let answer = answer.map_err(|error| FetchError::local(&error))?;
            let mut answer = File::from_std(answer);
            match self
                .fetch_again(base, question.path(), &question, &mut answer, &|_, _| ())
                .await
            {
                Ok(()) => Ok(true),
                Err(FetchError::Rejected { .. }) => Ok(false),
                Err(away) => Err(away),
            }
        };
        self.passes_on.get_or_try_init(ask).await.copied()
    }

    async fn fetch_again(
        &self,
        base: &Url,
        path: &str,
        query: &Query,
        file: &mut File,
        on_bytes: &OnBytes<'_>,
    ) -> Result<(), FetchError> {
        let url = below(base, path);
        for pause in AGAIN_AFTER {
            match self.fetch_once(url.clone(), query, file, on_bytes).await {
                Err(Trouble::Transient(words)) => {
                    debug!(path, words, "repeating a request to the module proxy");
                    tokio::time::sleep(pause).await;
                }
                Err(trouble) => return Err(trouble.into()),
                Ok(()) => return Ok(()),
            }
        }
        let fetched = self.fetch_once(url, query, file, on_bytes);
        fetched.await.map_err(Into::into)
    }

    async fn fetch_once(
        &self,
        url: Url,
        query: &Query,
        file: &mut File,
        on_bytes: &OnBytes<'_>,
    ) -> Result<(), Trouble> {
        let local = |error: io::Error| Trouble::Local(FetchError::local(&error));
        file.set_len(0).await.map_err(local)?;
        file.rewind().await.map_err(local)?;
        let sent = timeout(self.patience, self.client.get(url).send()).await;
        let mut response = match sent {
            Ok(sent) => sent.map_err(|error| Trouble::of(&error))?,
            Err(_) => return Err(self.silent()),
        };
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let (limit, announced) = (query.largest(), response.content_length());
        let too_large = |size: u64| {
            let path = query.path();
            let words = format!("{path} has {size} bytes or more, and the limit is {limit} bytes");
            Err(Trouble::Rejected(StatusCode::FORBIDDEN, words))
        };
        if let Some(size) = announced.filter(|size| *size > limit) {
            return too_large(size);
        }
        let mut size = 0;
        while let Some(bytes) = response
            .chunk()
            .await
            .map_err(|error| Trouble::of(&error))?
        {
            size += bytes.len() as u64;
            if size > limit {
                return too_large(size);
            }
            file.write_all(&bytes).await.map_err(local)?;
            on_bytes(size, announced);
        }
        file.flush().await.map_err(local)?;
        if !query.is_zip() {
            return Ok(());
        }
        match archive::end_of(file).await.map_err(local)? {
            ArchiveEnd::Whole => Ok(()),
            ArchiveEnd::CutOff => Err(Trouble::Transient("the archive is cut off".to_owned())),
            ArchiveEnd::TooManyFiles => {
                let path = query.path();
                let words = format!("{path} has more than {MOST_FILES} files, which is the limit");
                Err(Trouble::Rejected(StatusCode::FORBIDDEN, words))
            }
        }
    }

    fn silent(&self) -> Trouble {
        Trouble::Permanent(format!(
            "it didn't respond for {} s",
            self.patience.as_secs()
        ))
    }
}

enum Trouble {
    /// A retry may help.
    Transient(String),
    /// A retry takes too long, or doesn't help.
    Permanent(String),
    Rejected(StatusCode, String),
    /// An error of this machine.
    Local(FetchError),
}

impl Trouble {
    /// Clients see this text, so it must not name the proxy's host.
    fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Permanent("it stopped answering".to_owned());
        }
        let words = if error.is_connect() {
            "the connection to it failed"
        } else if error.is_body() || error.is_decode() {
            "the answer was cut off"
        } else {
            "it doesn't speak valid HTTP"
        };
        debug!(error = %error.to_string(), "the module proxy failed");
        Self::Transient(words.to_owned())
    }
}

impl From<Trouble> for FetchError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Transient(words) | Trouble::Permanent(words) => Self::Unavailable(words),
            Trouble::Rejected(status, words) => Self::Rejected { status, words },
            Trouble::Local(error) => error,
        }
    }
}

async fn refused(mut response: Response) -> Trouble {
    let status = response.status();
    if status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        )
    {
        return Trouble::Transient(format!("it answered {status}"));
    }
    let mut words = Vec::new();
    while words.len() < WORDS
        && let Ok(Some(bytes)) = response.chunk().await
    {
        words.extend_from_slice(&bytes);
    }
    words.truncate(WORDS);
    Trouble::Rejected(status, String::from_utf8_lossy(&words).into_owned())
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let path = format!("{}/{path}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_below_the_proxys_own() {
        let below =
            |base: &str| below(&base.parse().unwrap(), "m.example/!a/@v/v1.0.0.zip").to_string();
        assert_eq!(
            below("https://a.example"),
            "https://a.example/m.example/!a/@v/v1.0.0.zip"
        );
        assert_eq!(
            below("https://a.example/go/"),
            "https://a.example/go/m.example/!a/@v/v1.0.0.zip"
        );
    }
}
