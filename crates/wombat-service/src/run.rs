//! From start to end of one instance.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;
use wombat_store::{Connection, Store};

use crate::{
    ServiceArgs,
    answers::Answers,
    catalog::{Catalog, Imports},
    index, janitor,
    live::Live,
    micro::Micro,
    quota::Quotas,
    repeats::Repeats,
};

/// How long the janitor may take to end.
const JANITOR_LIMIT: Duration = Duration::from_secs(2);

/// What an instance works with.
#[derive(Clone, Debug)]
pub struct ServiceDeps {
    /// Its own connection; it is still open when [`run`] returns.
    pub connection: Connection,
    /// The buckets.
    pub store: Store,
    /// A folder of its own for what can be made anew: the index of builds.
    pub state_dir: PathBuf,
    /// Becomes `true` when the instance answers, `false` when it doesn't any more.
    pub ready: watch::Sender<bool>,
}

/// Serves until `stop`, then answers what was accepted and returns.
///
/// # Errors
/// Where it can't start: a bucket is missing, NATS is away, the state directory can't be used.
pub async fn run(
    deps: ServiceDeps,
    args: ServiceArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    // Large, and held by whoever runs all services in one task.
    Box::pin(serve(deps, args, stop)).await
}

async fn serve(
    deps: ServiceDeps,
    args: ServiceArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    // Followers outlive the requests that need them.
    let followers = CancellationToken::new();
    let _end_followers = followers.clone().drop_guard();
    let catalog = Catalog::start(&deps.store, followers.clone()).await?;
    let imports = Imports::start(&deps.store, &catalog, followers.clone());
    let builds = index::start(&deps.store, &catalog, deps.state_dir, followers.clone());
    let live = Live::start(&deps.store, &followers).await;
    let client = deps.connection.client();
    let janitor = tokio::spawn(janitor::run(
        deps.store.clone(),
        builds.clone(),
        args.clone(),
        followers.clone(),
    ));
    let answers = Arc::new(Answers {
        connection: deps.connection.clone(),
        store: deps.store.clone(),
        catalog,
        imports,
        live,
        builds,
        quotas: Quotas::new(args.client_quota),
        repeats: Repeats::start(&deps.connection, &deps.store, followers.clone()),
        args,
        max_answer: client.server_info().max_payload / 2,
    });
    let micro = Micro::start(client, answers).await?;
    info!("the service answers");
    deps.ready.send_replace(true);
    let ended = micro.run(&stop).await;
    deps.ready.send_replace(false);
    followers.cancel();
    // It gives its lock back, so that another instance can go on at once.
    drop(tokio::time::timeout(JANITOR_LIMIT, janitor).await);
    ended
}
