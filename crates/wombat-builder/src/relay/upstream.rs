//! The one proxy that is asked, and how its failures are told apart.

use std::{
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, Response, StatusCode, Url};
use tempfile::NamedTempFile;
use tokio::{sync::OnceCell, time::timeout};
use tracing::debug;

use super::asked::Asked;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Pauses before something is asked again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// Most that is read of what a proxy says with a refusal.
const WORDS: usize = 2048;

/// The module proxy can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the module proxy must be one http, https or file URL, and `{0}` isn't; set --goproxy (WOMBAT_GOPROXY)"
)]
pub struct InvalidUpstream(pub(crate) String);

/// Where modules come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A proxy.
    Http(Url),
    /// A folder in a proxy's layout.
    Folder(PathBuf),
    /// Nowhere: what isn't here can't be had.
    Off,
}

impl Upstream {
    /// Reads Go's setting: the first entry and nothing after it. With `,direct` anybody could make us call any host, and
    /// `,off` would hide what the proxy said.
    pub fn from_setting(setting: &str) -> Result<Self, InvalidUpstream> {
        let first = setting.split([',', '|']).next().unwrap_or_default().trim();
        if first == "off" {
            return Ok(Self::Off);
        }
        let invalid = || InvalidUpstream(setting.to_owned());
        let url: Url = first.parse().map_err(|_| invalid())?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self::Http(url)),
            "file" => url.to_file_path().map(Self::Folder).map_err(|()| invalid()),
            _ => Err(invalid()),
        }
    }
}

/// The checksum database, as `GOSUMDB` names it: a name, perhaps with a key, and an address if that isn't the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChecksumDatabase {
    name: String,
    address: Url,
}

impl ChecksumDatabase {
    pub(super) fn from_setting(setting: &str) -> Option<Self> {
        let mut words = setting.split_whitespace();
        let name = words.next().filter(|name| *name != "off")?;
        let name = name
            .split_once('+')
            .map_or(name, |(name, _)| name)
            .to_owned();
        let address = words
            .next()
            .map_or_else(|| format!("https://{name}"), str::to_owned);
        Some(Self {
            address: address.parse().ok()?,
            name,
        })
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The proxy says no, and why.
    Told { status: StatusCode, words: String },
    /// The proxy doesn't answer as it should; perhaps it does later.
    Away(String),
}

/// Asks the upstream.
#[derive(Clone, Debug)]
pub(super) struct Source {
    upstream: Upstream,
    checksums: Option<ChecksumDatabase>,
    client: Client,
    /// How long nothing may come.
    patience: Duration,
    passes_on: Arc<OnceCell<bool>>,
}

impl Source {
    pub(super) fn new(
        upstream: Upstream,
        checksums: Option<ChecksumDatabase>,
        patience: Duration,
    ) -> reqwest::Result<Self> {
        // A program does it at its start; whoever uses this library without one finds it done, too.
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

    /// Brings the answer into a file. Asks again where that may help.
    pub(super) async fn fetch(
        &self,
        asked: &Asked,
        file: &mut NamedTempFile,
    ) -> Result<(), Refusal> {
        let base = match &self.upstream {
            Upstream::Http(base) => base.clone(),
            Upstream::Folder(folder) => return copy(&folder.join(asked.path()), file),
            Upstream::Off => return Err(Refusal::Away("this builder is offline".to_owned())),
        };
        let (Some((name, question)), Some(database)) = (asked.checksums(), &self.checksums) else {
            return self.fetch_again(&base, asked.path(), asked, file).await;
        };
        if name != database.name || self.passes_on(&base, database).await? {
            return self.fetch_again(&base, asked.path(), asked, file).await;
        }
        if asked.is_supported_question() {
            return Ok(());
        }
        self.fetch_again(&database.address, question, asked, file)
            .await
    }

    /// Whether the proxy answers for the checksum database, asked as `go` would; if not, the database itself is asked.
    async fn passes_on(&self, base: &Url, database: &ChecksumDatabase) -> Result<bool, Refusal> {
        let ask = async || {
            let question = Asked::supported(&database.name);
            let mut answer = NamedTempFile::new()
                .map_err(|error| Refusal::Away(format!("it can't be kept: {error}")))?;
            match self
                .fetch_again(base, question.path(), &question, &mut answer)
                .await
            {
                Ok(()) => Ok(true),
                Err(Refusal::Told { .. }) => Ok(false),
                Err(away) => Err(away),
            }
        };
        self.passes_on.get_or_try_init(ask).await.copied()
    }

    async fn fetch_again(
        &self,
        base: &Url,
        path: &str,
        asked: &Asked,
        file: &mut NamedTempFile,
    ) -> Result<(), Refusal> {
        let url = below(base, path);
        for pause in AGAIN_AFTER {
            match self.fetch_once(url.clone(), asked, file).await {
                Err(Trouble::Passing(words)) => {
                    debug!(path, words, "asking the module proxy again");
                    tokio::time::sleep(pause).await;
                }
                Err(trouble) => return Err(trouble.into()),
                Ok(()) => return Ok(()),
            }
        }
        self.fetch_once(url, asked, file).await.map_err(Into::into)
    }

    async fn fetch_once(
        &self,
        url: Url,
        asked: &Asked,
        file: &mut NamedTempFile,
    ) -> Result<(), Trouble> {
        let local = |error: std::io::Error| Trouble::Lasting(format!("it can't be kept: {error}"));
        file.as_file_mut().set_len(0).map_err(local)?;
        file.seek(SeekFrom::Start(0)).map_err(local)?;
        let sent = timeout(self.patience, self.client.get(url).send()).await;
        let mut response = match sent {
            Ok(sent) => sent.map_err(|error| Trouble::of(&error))?,
            Err(_) => return Err(self.silent()),
        };
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let limit = asked.largest();
        let mut size = 0;
        while let Some(bytes) = response
            .chunk()
            .await
            .map_err(|error| Trouble::of(&error))?
        {
            size += bytes.len() as u64;
            if size > limit {
                return Err(Trouble::Told(
                    StatusCode::NOT_FOUND,
                    format!("it is larger than {} MiB, which is the limit", limit >> 20),
                ));
            }
            file.write_all(&bytes).map_err(local)?;
        }
        if asked.is_zip() && !ends_as_an_archive(file).map_err(local)? {
            return Err(Trouble::Passing("the archive is cut off".to_owned()));
        }
        Ok(())
    }

    fn silent(&self) -> Trouble {
        Trouble::Lasting(format!("it said nothing for {} s", self.patience.as_secs()))
    }
}

enum Trouble {
    /// It may be gone in a moment.
    Passing(String),
    /// It takes too long to wait for.
    Lasting(String),
    Told(StatusCode, String),
}

impl Trouble {
    /// Its own words name the host, which is nobody's business.
    fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Lasting("it stopped answering".to_owned());
        }
        let words = if error.is_connect() {
            "it can't be connected to"
        } else if error.is_body() || error.is_decode() {
            "the answer was cut off"
        } else {
            "it doesn't speak HTTP as it should"
        };
        debug!(error = %error.to_string(), "the module proxy failed");
        Self::Passing(words.to_owned())
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(words) | Trouble::Lasting(words) => Self::Away(words),
            Trouble::Told(status, words) => Self::Told { status, words },
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
        return Trouble::Passing(format!("it answered {status}"));
    }
    let mut words = Vec::new();
    while words.len() < WORDS
        && let Ok(Some(bytes)) = response.chunk().await
    {
        words.extend_from_slice(&bytes);
    }
    words.truncate(WORDS);
    Trouble::Told(status, String::from_utf8_lossy(&words).into_owned())
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let path = format!("{}/{path}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

fn copy(path: &std::path::Path, file: &mut NamedTempFile) -> Result<(), Refusal> {
    let copied = std::fs::File::open(path).and_then(|mut from| std::io::copy(&mut from, file));
    match copied {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Refusal::Told {
            status: StatusCode::NOT_FOUND,
            words: "not found".to_owned(),
        }),
        Err(error) => Err(Refusal::Away(error.to_string())),
    }
}

/// Whether the end of an archive's table of contents is there: it is the last thing in the file, but for a comment.
fn ends_as_an_archive(file: &mut NamedTempFile) -> std::io::Result<bool> {
    const LONGEST_END: u64 = 22 + 65_535;
    let size = file.as_file().metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(LONGEST_END)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(end.windows(4).any(|bytes| bytes == b"PK\x05\x06"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_proxy_is_used() {
        let read = |setting: &str| Upstream::from_setting(setting);
        let http = |url: &str| Ok(Upstream::Http(url.parse().unwrap()));
        assert_eq!(read("https://a.example,direct"), http("https://a.example"));
        assert_eq!(
            read("http://b.example/go|https://c.example"),
            http("http://b.example/go")
        );
        assert_eq!(read("off"), Ok(Upstream::Off));
        assert_eq!(read("file:///m"), Ok(Upstream::Folder("/m".into())));
        for bad in [
            "direct",
            "",
            ",https://a.example",
            "a.example",
            "ftp://a.example",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

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

    #[test]
    fn a_checksum_database_is_named_as_go_does() {
        let named = |setting: &str| ChecksumDatabase::from_setting(setting);
        assert_eq!(named("off"), None);
        let plain = named("sums.example").unwrap();
        assert_eq!(plain.address.as_str(), "https://sums.example/");
        let own = named("sums.example+abc+key https://elsewhere.example").unwrap();
        assert_eq!(own.name, "sums.example");
        assert_eq!(own.address.as_str(), "https://elsewhere.example/");
    }
}
