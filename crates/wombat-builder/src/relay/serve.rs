//! Answers `go`.

use std::{
    collections::HashMap,
    io::{self, Seek as _, SeekFrom},
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use tokio::{io::AsyncReadExt as _, net::TcpListener, sync::Mutex as AsyncMutex, task::JoinSet};
use tokio_util::io::ReaderStream;
use tracing::debug;

use super::{
    asked::{Asked, Lasting},
    kept::{Answer, Kept},
    session::{Notes, RelaySession, Sessions},
    upstream::{ChecksumDatabase, Refusal, Source, Upstream},
};
use crate::units;

/// How modules are fetched.
#[derive(Clone, Debug, clap::Args)]
pub struct RelayOptions {
    /// Fetch nothing: build with the modules that were fetched before
    #[arg(long, env = "WOMBAT_OFFLINE")]
    pub offline: bool,
    /// How long the module proxy may say nothing
    #[arg(long, env = "WOMBAT_GOPROXY_PATIENCE", default_value = "30s", value_name = "TIME", value_parser = units::duration)]
    pub goproxy_patience: Duration,
    /// Disk that fetched modules may take, beside Go's own module cache; what was used last stays longest
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
    kept: Kept,
    sessions: Arc<Sessions>,
    /// What is being fetched now; a second one who asks waits for it.
    fetching: Mutex<HashMap<String, Weak<AsyncMutex<()>>>>,
}

impl Relay {
    /// Serves what `upstream` has, keeping it in `folder`. `checksum_database` is Go's setting.
    pub async fn start(
        upstream: Upstream,
        checksum_database: &str,
        folder: PathBuf,
        patience: Duration,
    ) -> io::Result<Self> {
        let checksums = ChecksumDatabase::from_setting(checksum_database);
        let shared = Arc::new(Shared {
            source: Source::new(upstream, checksums, patience).map_err(io::Error::other)?,
            kept: Kept::new(folder)?,
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
            // It has no end of its own.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self {
            port,
            shared,
            _serving: serving,
        })
    }

    /// An address for one build.
    pub(crate) fn session(&self) -> RelaySession {
        let kept = self.shared.kept.clone();
        self.shared.sessions.begin(self.port, kept)
    }

    /// Fetches these paths anew the next time.
    pub(crate) fn forget(&self, paths: &[String]) {
        for path in paths {
            self.shared.kept.forget(path);
        }
    }

    /// Where it keeps what it fetched.
    pub(crate) fn folder(&self) -> PathBuf {
        self.shared.kept.folder().to_owned()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let (token, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(notes) = shared.sessions.find(token) else {
        return (StatusCode::FORBIDDEN, "not for you").into_response();
    };
    match Asked::parse(rest).filter(|_| request.uri().query().is_none()) {
        Some(asked) => shared.answer(asked, &notes).await,
        None => (StatusCode::NOT_FOUND, "no module proxy has this").into_response(),
    }
}

impl Shared {
    async fn answer(&self, asked: Asked, notes: &Notes) -> Response {
        let turn = self.turn(&asked);
        let _turn = turn.lock().await;
        if asked.lasting() == Lasting::Forever
            && let Some(answer) = self.find(&asked).await
        {
            notes.served(asked);
            return whole(answer);
        }
        match self.fetch(&asked).await {
            Ok(answer) => {
                notes.served(asked);
                whole(answer)
            }
            Err(Refusal::Told { status, words }) => (status, words).into_response(),
            Err(Refusal::Away(words)) => {
                notes.trouble(&format!("{words} ({})", asked.path()));
                (StatusCode::BAD_GATEWAY, words).into_response()
            }
        }
    }

    /// What is kept, if it is whole.
    async fn find(&self, asked: &Asked) -> Option<Answer> {
        let (kept, asked) = (self.kept.clone(), asked.clone());
        let found = tokio::task::spawn_blocking(move || kept.find(&asked));
        found.await.ok()?
    }

    async fn fetch(&self, asked: &Asked) -> Result<Answer, Refusal> {
        let local = |error: io::Error| Refusal::Away(format!("it can't be kept: {error}"));
        let begun = Instant::now();
        let mut file = self.kept.unfinished(asked).map_err(local)?;
        self.source.fetch(asked, &mut file).await?;
        debug!(path = asked.path(), elapsed = ?begun.elapsed(), "fetched");
        match asked.lasting() {
            Lasting::Forever => {
                let (kept, asked) = (self.kept.clone(), asked.clone());
                let keeping = tokio::task::spawn_blocking(move || kept.keep(&asked, file));
                let kept = keeping.await.unwrap_or_else(|error| Err(error.into()));
                kept.map_err(local)
            }
            Lasting::Once => {
                let file = file.into_file();
                let size = file.metadata().map_err(local)?.len();
                Ok(Answer { file, size })
            }
        }
    }

    /// One at a time asks for the same.
    fn turn(&self, asked: &Asked) -> Arc<AsyncMutex<()>> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = fetching.get(asked.path()).and_then(Weak::upgrade) {
            return turn;
        }
        fetching.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        fetching.insert(asked.path().to_owned(), Arc::downgrade(&turn));
        turn
    }
}

/// All of it, from its beginning.
fn whole(Answer { mut file, size }: Answer) -> Response {
    match file.seek(SeekFrom::Start(0)) {
        Ok(_) => {
            let file = tokio::fs::File::from_std(file).take(size);
            let body = Body::from_stream(ReaderStream::new(file));
            ([(header::CONTENT_LENGTH, size)], body).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
