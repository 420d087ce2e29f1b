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
use wombat_model::{BuilderId, Presence, SandboxLevel};
use wombat_store::{Connection, Followers};

use crate::{
    ahead::{Ahead, BuildAhead},
    args::{Aside, BuilderArgs, BuilderDeps, Warm},
    cache::{Trust, trim},
    counters::Counters,
    disk::Disk,
    go::Workshop,
    imports::ImportDesk,
    intake::Dispatcher,
    lint,
    owner::Ownership,
    presence::{ActiveClaims, Heartbeat},
    readiness,
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
    let ready = readiness::workshop(&deps, &args, &builder, &host, &stop);
    let Some(workshop) = Box::pin(ready).await? else {
        return Ok(());
    };
    let mended = mend(&ownership, &workshop, &builder);
    if stop
        .run_until_cancelled(mended)
        .await
        .transpose()?
        .is_none()
    {
        return Ok(());
    }
    let (go, sandbox) = (
        workshop.settings().version,
        workshop.settings().sandbox.level(),
    );
    let followers = Followers::until(&stop);
    let trust = tokio::select! {
        trust = Trust::in_catalog(&deps.store.catalog, &followers) => trust,
        () = stop.cancelled() => return Ok(()),
    };
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
    let disk = Disk::new(worker.workshop.jobs_folder(), args.min_free_disk);
    let disk = Arc::new(disk);
    let mut aside = start_aside(&worker, &args, &deps.connection, &disk);
    let workers = args.worker_count();
    info!(%builder, workers, %go, "builder started");

    let heartbeat = Heartbeat {
        builders: deps.store.builders.clone(),
        presence: Presence {
            go: Some(go),
            sandbox,
            ..presence(&builder, host, workers, args.lease)
        },
        lease: args.lease,
        claims,
        draining: stop.clone(),
        problem: disk.problem(),
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
        disk,
        ownership,
        fenced,
        stop,
    };
    let ownership = Box::pin(dispatcher.run()).await;
    while let Some(ended) = aside.join_next().await {
        ended.context("ending what is done aside")?;
    }
    grace.shutdown().await;
    end.cancel();
    while let Some(ended) = heartbeats.join_next().await {
        ended.context("ending the heartbeat")?;
    }
    // What still reads from the connection when it is closed has nothing to read from.
    followers.end().await;
    ownership.end(&builder);
    sum_up(&deps.counters);
    Ok(())
}

/// Looks at what a crash of the machine may have damaged, if there was one.
async fn mend(
    ownership: &Ownership,
    workshop: &Workshop,
    builder: &BuilderId,
) -> anyhow::Result<()> {
    if ownership.after_a_crash {
        workshop.mend_after_a_crash().await;
        ownership.claim(builder)?;
    }
    Ok(())
}

/// Of a builder that is there and has nothing to do.
fn presence(builder: &BuilderId, host: String, workers: usize, lease: Duration) -> Presence {
    Presence {
        builder: builder.clone(),
        host,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        workers: u32::try_from(workers).unwrap_or(u32::MAX),
        active: Vec::new(),
        go: None,
        sandbox: SandboxLevel::None,
        draining: false,
        problem: None,
        lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
    }
}

fn sum_up(counters: &Counters) {
    info!(
        won = counters.claims_won(),
        lost = counters.claims_lost(),
        recovered = counters.recovered(),
        "builder stopped"
    );
}

/// What is done beside builds, and below them.
fn start_aside(
    worker: &Arc<Worker>,
    args: &BuilderArgs,
    connection: &Connection,
    disk: &Arc<Disk>,
) -> JoinSet<()> {
    let mut aside = JoinSet::new();
    let does = |work| !args.without.contains(&work);
    if args.warm != Warm::Off {
        aside.spawn(WarmUp::new(Arc::clone(worker), args.warm, Arc::clone(disk)).run());
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
            Arc::clone(disk),
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
