//! Starts a builder and sees it to its end.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{BuilderId, Presence};
use wombat_store::Connection;

use crate::{
    ahead::{Ahead, BuildAhead},
    args::{Aside, BuilderArgs, BuilderDeps, Warm},
    cache::{Trust, trim},
    go::Workshop,
    imports::ImportDesk,
    intake::Dispatcher,
    lint,
    owner::Ownership,
    presence::{ActiveClaims, Heartbeat},
    warm::{AskedTargets, WarmUp},
    worker::Worker,
};

/// How often the compile cache is looked at.
const TRIM_INTERVAL: Duration = Duration::from_mins(10);

/// Runs a builder until `stop`: then it claims nothing more, ends what it can within the grace time, and gives the
/// rest back. An error says why it couldn't start.
pub async fn run(
    deps: BuilderDeps,
    args: BuilderArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let host = host_name();
    let builder = builder_id(&host);
    let folder = deps.state_dir.join("builder");
    let ownership = Ownership::take(&folder, &builder)?;
    let settings = args.go.discover(&deps.state_dir, deps.helper).await?;
    let (go, sandbox) = (settings.version, settings.sandbox.level());
    let workshop = Workshop::new(settings, &folder, args.licences())
        .await
        .with_context(|| format!("preparing the folder {}", folder.display()))?;
    let trust = Trust::in_catalog(&deps.store.catalog, &stop).await;
    let fleet = (!args.no_fleet_cache).then(|| deps.store.gocache.clone());
    let workshop = workshop.shared(fleet, trust);

    let mut trimming = JoinSet::new();
    trimming.spawn(keep_trimmed(workshop.cache_folders(args.go_cache_limit)));

    let claims = ActiveClaims::new();
    // Nothing is claimed before the others can know that we are there.
    let (fence, fenced) = watch::channel(true);
    let hurry = CancellationToken::new();
    let worker = Arc::new(Worker {
        store: deps.store.clone(),
        workshop,
        builder: builder.clone(),
        limits: args.limits(),
        claims: claims.clone(),
        counters: deps.counters.clone(),
        fenced: fenced.clone(),
        stop: stop.clone(),
        hurry: hurry.clone(),
        busy: watch::Sender::new(0),
        ahead: Ahead::default(),
        asked: AskedTargets::default(),
    });
    let mut aside = start_aside(&worker, &args, &deps.connection);
    let workers = args.worker_count();
    info!(%builder, workers, %go, "builder started");

    let heartbeat = Heartbeat {
        builders: deps.store.builders.clone(),
        presence: Presence {
            builder,
            host,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workers: u32::try_from(workers).unwrap_or(u32::MAX),
            active: Vec::new(),
            go: Some(go),
            sandbox,
            draining: false,
            lease_ms: u64::try_from(args.lease.as_millis()).unwrap_or(u64::MAX),
        },
        lease: args.lease,
        claims,
        draining: stop.clone(),
        fenced: fence,
    };
    let end = CancellationToken::new();
    // Whoever drops us has a dead builder, not one that lives on in its heartbeat.
    let mut heartbeats = JoinSet::new();
    heartbeats.spawn(heartbeat.run(end.clone()));
    let mut grace = JoinSet::new();
    grace.spawn(hurry_after(
        stop.clone(),
        args.grace,
        deps.hurry,
        hurry.clone(),
    ));

    let dispatcher = Dispatcher {
        connection: deps.connection,
        worker,
        workers,
        lease: args.lease,
        min_free_disk: args.min_free_disk,
        ownership,
        fenced,
        stop,
    };
    Box::pin(dispatcher.run()).await;
    while let Some(ended) = aside.join_next().await {
        ended.context("ending what is done aside")?;
    }
    grace.shutdown().await;
    end.cancel();
    while let Some(ended) = heartbeats.join_next().await {
        ended.context("ending the heartbeat")?;
    }
    let counters = deps.counters;
    info!(
        won = counters.claims_won(),
        lost = counters.claims_lost(),
        recovered = counters.recovered(),
        "builder stopped"
    );
    Ok(())
}

/// What is done beside builds, and below them.
fn start_aside(worker: &Arc<Worker>, args: &BuilderArgs, connection: &Connection) -> JoinSet<()> {
    let mut aside = JoinSet::new();
    let does = |work| !args.without.contains(&work);
    if args.warm != Warm::Off {
        aside.spawn(WarmUp::new(Arc::clone(worker), args.warm, args.min_free_disk).run());
    }
    if does(Aside::Imports) {
        aside.spawn(ImportDesk::run(Arc::clone(worker)));
    }
    if does(Aside::Lint) {
        aside.spawn(lint::run(Arc::clone(worker), connection.clone()));
    }
    if does(Aside::Ahead) {
        aside.spawn(BuildAhead::run(
            Arc::clone(worker),
            connection.clone(),
            args.min_free_disk,
        ));
    }
    aside
}

/// Keeps folders below their limits, for as long as it is polled.
async fn keep_trimmed(folders: [(PathBuf, u64); 3]) {
    loop {
        for (folder, limit) in folders.clone() {
            let trimmed = tokio::task::spawn_blocking(move || {
                match trim(&folder, limit, SystemTime::now()) {
                    // Nothing was compiled there yet.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => {
                        warn!(folder = %folder.display(), %error, "can't trim a cache");
                    }
                    Ok(_) => {}
                }
            });
            if let Err(error) = trimmed.await {
                warn!(%error, "trimming a cache failed");
            }
        }
        tokio::time::sleep(TRIM_INTERVAL).await;
    }
}

/// Once stopping has begun, the hurry comes with the end of the grace time, or when it is asked for.
async fn hurry_after(
    stop: CancellationToken,
    grace: Duration,
    asked: CancellationToken,
    hurry: CancellationToken,
) {
    tokio::select! {
        () = async {
            stop.cancelled().await;
            tokio::time::sleep(grace).await;
        } => {}
        () = asked.cancelled() => stop.cancel(),
    }
    hurry.cancel();
}

fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// `<host>-<random>`: a new one at each start.
fn builder_id(host: &str) -> BuilderId {
    let fits = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
    let host: String = host.chars().filter(fits).take(40).collect();
    let random = uuid::Uuid::new_v4().simple().to_string();
    let host = if host.is_empty() { "builder" } else { &host };
    format!("{host}-{}", &random[..12])
        .parse()
        .expect("letters, digits and dashes, at most 53")
}
