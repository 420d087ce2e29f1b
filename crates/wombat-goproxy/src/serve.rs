//! The server that answers `go`.

use std::{
    collections::HashMap,
    io::{self, Read as _, Seek as _, SeekFrom},
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use parking_lot::Mutex;
use tokio::{
    fs::File,
    io::AsyncReadExt as _,
    net::TcpListener,
    sync::Mutex as AsyncMutex,
    task::{JoinSet, spawn_blocking},
};
use tokio_util::io::ReaderStream;
use tracing::debug;

use super::{
    cache::{Answer, Cache},
    fetch_error::FetchError,
    query::{Caching, Query},
    session::{Notes, RelaySession, Sessions},
    source::Source,
    upstream::{ChecksumDatabase, Upstream},
};
use wombat_model::units;

/// How modules are fetched.
#[derive(Clone, Debug, clap::Args)]
pub struct RelayOptions {
    /// Fetch no modules: build only with those fetched earlier
    #[arg(long, env = "WOMBAT_OFFLINE")]
    pub offline: bool,
    /// Time without data from the module proxy after which a request fails
    #[arg(long, env = "WOMBAT_GOPROXY_PATIENCE", default_value = "30s", value_name = "TIME", value_parser = units::duration)]
    pub goproxy_patience: Duration,
    /// Disk space for fetched modules, in addition to Go's own module cache; the least recently used are removed first
    #[arg(long, env = "WOMBAT_FETCHED_LIMIT", default_value = "5GiB", value_name = "SIZE", value_parser = units::size)]
    pub fetched_limit: u64,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            offline: false,
            goproxy_patience: Duration::from_secs(30),
            fetched_limit: 5 << 30,
        }
    }
}

/// A server for the `go` commands of this process. It ends when this is dropped.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    source: Source,
    cache: Cache,
    sessions: Arc<Sessions>,
    /// Paths that are being fetched; a second request for one waits for the first.
    fetching: Mutex<HashMap<String, Weak<AsyncMutex<()>>>>,
}

impl Relay {
    /// Serves answers of `upstream`, and stores them in `folder`. `checksum_database` is Go's `GOSUMDB`.
    pub async fn start(
        upstream: Upstream,
        checksum_database: &str,
        folder: PathBuf,
        patience: Duration,
    ) -> io::Result<Self> {
        let checksums = ChecksumDatabase::from_setting(checksum_database);
        let shared = Arc::new(Shared {
            source: Source::new(upstream, checksums, patience).map_err(io::Error::other)?,
            cache: spawn_blocking(move || Cache::new(folder)).await??,
            sessions: Arc::default(),
            fetching: Mutex::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // The server runs until it is dropped.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self {
            port,
            shared,
            _serving: serving,
        })
    }

    /// An address for one build.
    pub fn session(&self) -> RelaySession {
        let cache = self.shared.cache.clone();
        self.shared.sessions.begin(self.port, cache)
    }

    /// The answer to one query of the module proxy protocol, such as `golang.org/toolchain/@v/list`.
    pub async fn ask(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        let query = Query::parse(path).ok_or_else(|| {
            FetchError::Unavailable(format!("`{path}` isn't a path of a module proxy"))
        })?;
        let Answer { file, size } = self.shared.answered(&query).await?;
        let read = spawn_blocking(move || bytes_of(file, size)).await;
        let read = read.unwrap_or_else(|error| Err(error.into()));
        read.map_err(|error| FetchError::local(&error))
    }

    /// Removes the stored answers for these paths. Blocks.
    pub fn forget(&self, paths: &[String]) {
        for path in paths {
            self.shared.cache.forget(path);
        }
    }

    /// The folder of stored answers.
    pub fn folder(&self) -> PathBuf {
        self.shared.cache.folder().to_owned()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let (token, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(notes) = shared.sessions.find(token) else {
        return (StatusCode::FORBIDDEN, "unknown build token").into_response();
    };
    match Query::parse(rest).filter(|_| request.uri().query().is_none()) {
        Some(query) => shared.answer(query, &notes).await,
        None => (StatusCode::NOT_FOUND, "not a module proxy path").into_response(),
    }
}

impl Shared {
    async fn answer(&self, query: Query, notes: &Notes) -> Response {
        match self.answered(&query).await {
            Ok(answer) => {
                notes.served(query);
                whole(answer)
            }
            Err(FetchError::Rejected { status, words }) => (status, words).into_response(),
            Err(failure @ (FetchError::Unavailable(_) | FetchError::Local { .. })) => {
                let words = failure.to_string();
                notes.trouble(&format!("{words} ({})", query.path()));
                (StatusCode::BAD_GATEWAY, words).into_response()
            }
        }
    }

    /// The stored answer, or the proxy's.
    async fn answered(&self, query: &Query) -> Result<Answer, FetchError> {
        let turn = self.turn(query);
        let _turn = turn.lock().await;
        if query.caching() == Caching::Forever
            && let Some(answer) = self.find(query).await
        {
            return Ok(answer);
        }
        self.fetch(query).await
    }

    /// The stored answer, if it is intact.
    async fn find(&self, query: &Query) -> Option<Answer> {
        let (cache, query) = (self.cache.clone(), query.clone());
        let found = spawn_blocking(move || cache.find(&query));
        found.await.ok()?
    }

    async fn fetch(&self, query: &Query) -> Result<Answer, FetchError> {
        let local = |error: io::Error| FetchError::local(&error);
        let begun = Instant::now();
        let (cache, own) = (self.cache.clone(), query.clone());
        let made = spawn_blocking(move || cache.unfinished(&own)).await;
        let file = made
            .unwrap_or_else(|error| Err(error.into()))
            .map_err(local)?;
        let mut writer = File::from_std(file.as_file().try_clone().map_err(local)?);
        let fetched = self.source.fetch(query, &mut writer).await;
        if let Err(refusal) = fetched {
            // Part of a large archive takes a while to remove.
            drop(spawn_blocking(move || drop((writer, file))));
            return Err(refusal);
        }
        debug!(path = query.path(), elapsed = ?begun.elapsed(), "fetched");
        let (cache, own) = (self.cache.clone(), query.clone());
        let stored = spawn_blocking(move || match own.caching() {
            Caching::Forever => cache.keep(&own, file),
            Caching::Never => Cache::pass_on(file),
        });
        stored
            .await
            .unwrap_or_else(|error| Err(error.into()))
            .map_err(local)
    }

    /// A lock for this path, so that it is fetched only once at a time.
    fn turn(&self, query: &Query) -> Arc<AsyncMutex<()>> {
        let mut fetching = self.fetching.lock();
        if let Some(turn) = fetching.get(query.path()).and_then(Weak::upgrade) {
            return turn;
        }
        fetching.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        fetching.insert(query.path().to_owned(), Arc::downgrade(&turn));
        turn
    }
}

/// The bytes of an answer, which is small.
fn bytes_of(mut file: std::fs::File, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A response with the whole answer.
fn whole(Answer { mut file, size }: Answer) -> Response {
    match file.seek(SeekFrom::Start(0)) {
        Ok(_) => {
            let file = File::from_std(file).take(size);
            let body = Body::from_stream(ReaderStream::new(file));
            ([(header::CONTENT_LENGTH, size)], body).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
