//! What every handler shares.

use std::{fmt, path::PathBuf, sync::Arc};

use axum::extract::FromRef;
use http::HeaderMap;
use tokio::{net::TcpListener, sync::oneshot, task::spawn_blocking};
use tokio_util::sync::CancellationToken;
use wombat_store::{Connection, Followers, Store};

use crate::{
    ApiArgs, ApiError,
    access::{AccessControl, Role, TokenFile},
    blocked::BlockedBinaries,
    build_reader::BuildReader,
    cache::ArtifactCache,
    caller::Caller,
    capacity::Capacity,
    client_counts::ClientCounts,
    connections::MOST_OF_ONE,
    contents::ContentsReader,
    gateway::Gateway,
    live::{LogHub, Records},
    places::{LongCall, Place, Places},
    proxies::ProxySettings,
    publications::PublishedBuilds,
    sse::Feed,
};

/// What a gateway needs to start.
#[derive(Debug)]
pub struct ApiDeps {
    /// Its own connection.
    pub connection: Connection,
    /// The buckets, opened on that connection.
    pub store: Store,
    /// Folder in which the gateway makes a folder of its own.
    pub state_dir: PathBuf,
    /// A socket to listen on, instead of the address in the arguments.
    pub listener: Option<TcpListener>,
    /// Whether every client may do everything without a token: `wombat up` on a loopback address.
    pub open_control: bool,
    /// Receives the address as soon as the gateway listens on it.
    pub bound: Option<oneshot::Sender<std::net::SocketAddr>>,
}

/// The state, as handlers share it.
pub(crate) type AppState = Arc<GatewayState>;

/// Everything that handlers need.
pub struct GatewayState {
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    pub(crate) builds: BuildReader,
    pub(crate) published: PublishedBuilds,
    pub(crate) blocked: BlockedBinaries,
    pub(crate) records: Arc<Records>,
    pub(crate) logs: Arc<LogHub>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) cache: Arc<ArtifactCache>,
    pub(crate) contents: ContentsReader,
    pub(crate) control: AccessControl,
    /// Whether requesting builds needs a token, too.
    pub(crate) require_token: bool,
    pub(crate) proxy_settings: ProxySettings,
    pub(crate) capacity: Capacity,
    pub(crate) places: Places,
    /// Requests of each client that a proxy forwards.
    pub(crate) forwarded: ClientCounts,
    /// The tasks that keep records, logs and the feed up to date, and those of event streams.
    pub(crate) followers: Followers,
    /// Event streams and waits end with it.
    pub(crate) stop: CancellationToken,
}

impl fmt::Debug for GatewayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayState").finish_non_exhaustive()
    }
}

impl GatewayState {
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
            args.cache_limit(),
            store.artifacts.clone(),
        )
        .await;
        let control = match (&args.tokens, open_control) {
            (None, true) => AccessControl::Anyone,
            (None, false) => AccessControl::Tokens(None),
            (Some(file), _) => {
                let file = file.clone();
                let tokens = spawn_blocking(move || TokenFile::open(&file)).await??;
                AccessControl::Tokens(Some(Arc::new(tokens)))
            }
        };
        let cache = Arc::new(cache);
        let capacity = Capacity::available(&args.limits);
        let gateway = Gateway::new(connection);
        let followers = Followers::until(&stop);
        let records = Records::start(&store.builds, &followers);
        let logs = LogHub::start(&store.logs, &followers);
        Ok(Arc::new(Self {
            feed: Feed::start(&store, &records, &logs, &followers),
            published: PublishedBuilds::new(gateway.clone(), store.publications.clone()),
            blocked: BlockedBinaries::start(
                (gateway.clone(), &store.catalog),
                store.artifacts.clone(),
                Arc::clone(&cache),
                &followers,
            ),
            builds: BuildReader::new(gateway.clone(), store.builds.clone(), records.clone()),
            records,
            logs,
            followers,
            cache,
            contents: ContentsReader::new(),
            gateway,
            store,
            control,
            require_token: args.require_token,
            proxy_settings: ProxySettings::new(args.public_url.clone(), &args.trusted_proxies),
            capacity,
            places: Places::new(&args.limits, capacity),
            forwarded: ClientCounts::up_to(MOST_OF_ONE),
            stop,
        }))
    }
}

impl GatewayState {
    /// Refuses clients without a token where requesting builds needs one. `what` names the call in the log.
    pub(crate) async fn check_reader(
        &self,
        headers: &HeaderMap,
        what: &'static str,
    ) -> Result<(), ApiError> {
        if self.require_token {
            self.control.check(headers, Role::Reader, what).await?;
        }
        Ok(())
    }

    /// A place for a long call; an error says which limit there is none under.
    pub(crate) async fn place(
        &self,
        call: LongCall,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<Place, ApiError> {
        self.places.take(call, caller, &self.control, headers).await
    }
}

impl FromRef<AppState> for ProxySettings {
    fn from_ref(state: &AppState) -> Self {
        state.proxy_settings.clone()
    }
}
