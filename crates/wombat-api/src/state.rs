//! What every handler shares.

use std::{fmt, path::PathBuf, sync::Arc};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wombat_model::{
    BuildKey,
    wire::{BuildView, IdQuestion},
};
use wombat_store::{Connection, Followers, Store, read_or_seen};

use crate::{
    ApiArgs, ApiError,
    access::{Control, TokenFile},
    cache::ArtifactCache,
    caller::Surroundings,
    contents::Viewer,
    gateway::{Gateway, parsed},
    live::{LogHub, Record, Records},
    sse::Feed,
};

/// What the gateway is given.
#[derive(Debug)]
pub struct ApiDeps {
    /// Its own connection.
    pub connection: Connection,
    /// The buckets, opened on that connection.
    pub store: Store,
    /// Where it may keep files; it makes a folder of its own in there.
    pub state_dir: PathBuf,
    /// A socket to listen on, in place of the address in the arguments.
    pub listener: Option<TcpListener>,
    /// Whether whoever reaches us may cancel and force: `wombat up` on a loopback address without a token.
    pub open_control: bool,
    /// Told the address as soon as it is listened on.
    pub bound: Option<oneshot::Sender<std::net::SocketAddr>>,
}

/// Shared by all handlers.
pub(crate) type AppState = Arc<State>;

/// Everything that handlers need.
pub struct State {
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    pub(crate) records: Arc<Records>,
    pub(crate) logs: Arc<LogHub>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) cache: Arc<ArtifactCache>,
    pub(crate) contents: Viewer,
    pub(crate) control: Control,
    /// Whether asking for builds needs a token, too.
    pub(crate) require_token: bool,
    pub(crate) surroundings: Surroundings,
    /// What keeps all of this up to date.
    pub(crate) followers: Followers,
    /// Event streams and waits end with it.
    pub(crate) stop: CancellationToken,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    /// Starts to follow records and logs; both end with `stop`.
    pub async fn start(
        connection: Connection,
        store: Store,
        state_dir: PathBuf,
        open_control: bool,
        args: &ApiArgs,
        stop: CancellationToken,
    ) -> anyhow::Result<Arc<Self>> {
        let cache = ArtifactCache::open(
            state_dir.join("artifact-cache"),
            args.artifact_cache_mib * 1024 * 1024,
            store.artifacts.clone(),
        )
        .await;
        let control = match (&args.tokens, open_control) {
            (None, true) => Control::Anyone,
            (None, false) => Control::Tokens(None),
            (Some(file), _) => Control::Tokens(Some(Arc::new(TokenFile::open(file)?))),
        };
        let followers = Followers::until(&stop);
        let records = Records::start(&store.builds, &followers);
        let logs = LogHub::start(&store.logs, &followers);
        Ok(Arc::new(Self {
            feed: Feed::start(&store, &records, &logs, &followers),
            followers,
            records,
            logs,
            cache: Arc::new(cache),
            contents: Viewer::new(),
            gateway: Gateway::new(connection),
            store,
            control,
            require_token: args.require_token,
            surroundings: Surroundings {
                public_url: args.public_url.clone(),
                trusted_proxies: args.trusted_proxies.clone(),
            },
            stop,
        }))
    }

    /// The newest record there is, from the leader. Where it doesn't answer soon, as while one is elected, what was seen
    /// here: nothing is written meanwhile.
    pub(crate) async fn record(&self, key: &BuildKey) -> Result<Arc<Record>, ApiError> {
        read_or_seen(self.newest(key), ApiError::is_unavailable, || {
            self.records.get(key)
        })
        .await
    }

    async fn newest(&self, key: &BuildKey) -> Result<Arc<Record>, ApiError> {
        let read = self.gateway.read(self.store.builds.get(key)).await?;
        let Some(record) = read else {
            return Err(ApiError::not_found(format!("There is no build `{key}`.")));
        };
        Ok(match self.records.get(key) {
            Some(seen) if seen.revision >= record.revision.get() => seen,
            Some(_) | None => {
                let is_new = self.records.has_all_after(record.revision.get() - 1);
                Record::new(record, is_new.then(std::time::Instant::now))
            }
        })
    }

    /// A build with its phase and its place in the queue, which the service knows.
    pub(crate) async fn view(&self, key: &BuildKey) -> Result<BuildView, ApiError> {
        parsed(&self.answer(key).await?)
    }

    /// The same as the service wrote it.
    pub(crate) async fn answer(&self, key: &BuildKey) -> Result<Bytes, ApiError> {
        let question = IdQuestion { id: key.clone() };
        self.gateway.ask("build.get", &question).await
    }
}

/// Of nanoseconds.
pub(crate) fn milliseconds(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX)
}
