//! Start and end of one instance.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_store::{Connection, ELECTION_PATIENCE, Followers, Store, StoreError};

use crate::{
    ServiceArgs,
    answers::Answers,
    blocked::BlockedBuilds,
    byte_quota::ByteQuotas,
    catalog::{Catalog, Choices, ChosenReleases, Imports, Refetch, RequirementsDesk},
    index, janitor,
    live::Live,
    micro::Micro,
    publications,
    quota::Quotas,
    response_cache::ResponseCache,
    room::RoomForBuilds,
    writes,
};

/// Pause before the catalog is seeded again.
const PAUSE: Duration = Duration::from_millis(500);

/// Dependencies of an instance.
#[derive(Clone, Debug)]
pub struct ServiceDeps {
    /// Its own connection; it is still open when [`run`] returns.
    pub connection: Connection,
    /// The buckets.
    pub store: Store,
    /// Directory of this instance for the index of builds, which can be rebuilt.
    pub state_dir: PathBuf,
    /// `true` while the instance answers.
    pub ready: watch::Sender<bool>,
}

/// Serves until `stop`, then answers the accepted requests and returns.
///
/// # Errors
/// If it can't start: a bucket is missing, NATS is away, or the state directory can't be used.
pub async fn run(
    deps: ServiceDeps,
    args: ServiceArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    // The future is large, and one task holds those of all services.
    Box::pin(serve(deps, args, stop)).await
}

async fn serve(
    deps: ServiceDeps,
    args: ServiceArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    // Followers outlive the requests that need them, so `stop` doesn't end them.
    let followers = Followers::default();
    let _end_followers = followers.stop().clone().drop_guard();
    let ready = deps.ready.clone();
    let started = tokio::select! {
        started = Box::pin(start(deps, args, &followers)) => started.map(Some),
        // NATS may be away, and a start would wait for it.
        () = stop.cancelled() => Ok(None),
    };
    let ended = match started {
        Ok(Some(micro)) => {
            info!("the service answers");
            ready.send_replace(true);
            let ended = micro.run(&stop).await;
            ready.send_replace(false);
            ended
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    // Followers read from the connection, which the caller closes next. The janitor, one of them, releases its lock, so
    // that another instance can continue at once.
    followers.end().await;
    ended
}

/// Reads what is stored, and starts to answer.
async fn start(
    deps: ServiceDeps,
    args: ServiceArgs,
    followers: &Followers,
) -> anyhow::Result<Micro> {
    let chosen = Choices {
        releases: ChosenReleases::new(&args.default_release),
        go: args.default_go,
    };
    let catalog = catalog(&deps.store, chosen, followers).await?;
    let imports = Imports::start(&deps.store, &catalog, followers);
    Refetch::start(&deps.store, args.refetch_interval, followers);
    let builds = index::start(&deps.store, &catalog, deps.state_dir, followers);
    let live = Live::start(&deps.store, followers).await;
    publications::start(&deps.store, followers);
    let client = deps.connection.client();
    let replies = deps.connection.reply_rule(&args.reply_prefix);
    followers.spawn(janitor::run(
        deps.store.clone(),
        builds.clone(),
        catalog.clone(),
        args.clone(),
        followers.stop().clone(),
    ));
    writes::watch(&deps.connection, &deps.store.builders, followers);
    let answers = Arc::new(Answers {
        connection: deps.connection.clone(),
        store: deps.store.clone(),
        catalog,
        imports,
        blocked: BlockedBuilds::new(deps.store.artifacts.clone()),
        requirements: RequirementsDesk::new(deps.connection.clone(), args.policy().versions),
        live,
        builds,
        quotas: Quotas::new(args.client_quota),
        byte_quotas: ByteQuotas::new(args.client_uncatalogued_quota),
        responses: ResponseCache::start(&deps.connection, &deps.store, followers),
        room: RoomForBuilds::default(),
        args,
        max_answer: client.server_info().max_payload / 2,
    });
    Micro::start(client, answers, replies).await
}

/// Seeds and reads the catalog. Waits while its stream has no leader.
async fn catalog(store: &Store, chosen: Choices, followers: &Followers) -> anyhow::Result<Catalog> {
    let until = Instant::now() + ELECTION_PATIENCE;
    loop {
        match Catalog::start(store, chosen.clone(), followers).await {
            Err(error) if passes(&error) && Instant::now() < until => {
                warn!(
                    error = format!("{error:#}"),
                    "the catalog can't be seeded yet; retrying"
                );
                tokio::time::sleep(PAUSE).await;
            }
            started => return started,
        }
    }
}

fn passes(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::Unavailable(_)))
}
