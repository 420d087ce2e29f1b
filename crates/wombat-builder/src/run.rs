//! Runs a builder from start to end.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    sync::watch,
    task::{JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tracing::info;
use wombat_go::{BlocklistSource, Trust, Workshop};
use wombat_model::{BuilderId, Presence};
use wombat_store::{Followers, roles::UserName};

use crate::{
    args::{Background, BuilderArgs, BuilderDeps, Warm},
    background::{
        ahead::BuildAhead, contained::ContainedTasks, go_releases::GoReleasesDesk,
        imports::ImportDesk, lint, requirements, warm::WarmUp,
    },
    counters::Counters,
    disk::Disk,
    owner::Ownership,
    prebuilt::Prebuilt,
    presence::{self, ActiveClaims, Heartbeat},
    readiness,
    requested_targets::RequestedTargets,
    scheduling::Dispatcher,
    trimming::keep_trimmed,
    worker::Worker,
};

/// Runs a builder until `stop`: then it claims no more builds, finishes what it can within the grace time, and gives
/// the rest back. Fails if it can't start.
pub async fn run(
    deps: BuilderDeps,
    args: BuilderArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let lanes = args.lanes()?;
    let host = host_name();
    let builder = builder_id(deps.connection.user());
    let (folder, own) = (deps.state_dir.join("builder"), builder.clone());
    let ownership = spawn_blocking(move || Ownership::take(&folder, &own)).await??;
    let ownership = Arc::new(ownership);
    let ready = readiness::workshop(&deps, &args, &builder, &host, &stop);
    let Some(workshop) = Box::pin(ready).await? else {
        return Ok(());
    };
    let mending = stop.run_until_cancelled(mend(&ownership, &workshop, &builder));
    if mending.await.transpose()?.is_none() {
        return Ok(());
    }
    let settings = workshop.settings();
    let (go, sandbox) = (settings.version, settings.sandbox.level());
    let followers = Followers::until(&stop);
    let trust = tokio::select! {
        trust = Trust::in_catalog(&deps.store.catalog, &followers) => trust,
        () = stop.cancelled() => return Ok(()),
    };
    let fleet = (!args.no_fleet_cache).then(|| deps.store.gocache.clone());
    let blocklist = BlocklistSource::of(&deps.store.catalog);
    let workshop = workshop.shared(fleet, trust).blocking(blocklist);

    let _trimming = start_trimming(&workshop, &args);

    let claims = ActiveClaims::new();
    // No claims before the first heartbeat: other builders must know this one.
    let (fence, fenced) = watch::channel(true);
    let force_stop = CancellationToken::new();
    let worker = Arc::new(Worker {
        store: deps.store.clone(),
        workshop: workshop.clone(),
        builder: builder.clone(),
        limits: args.limits(),
        claims: claims.clone(),
        counters: deps.counters.clone(),
        fenced: fenced.clone(),
        stop: stop.clone(),
        force_stop: force_stop.clone(),
        busy: watch::Sender::new(0),
        prebuilt: Prebuilt::default(),
        requested: RequestedTargets::default(),
    });
    let disk = Arc::new(Disk::new(worker.workshop.jobs_folder(), args.min_free_disk).await);
    let mut background = start_background(&worker, &args, &deps, &disk);
    info!(%builder, ?lanes, %go, "builder started");

    let heartbeat = Heartbeat {
        builders: deps.store.builders.clone(),
        presence: Presence {
            go: Some(go),
            sandbox,
            ..presence::idle_with(&builder, host, lanes, args.lease)
        },
        lease: args.lease,
        claims,
        draining: stop.clone(),
        problem: disk.problem(),
        fenced: fence,
    };
    let end = CancellationToken::new();
    // In a JoinSet, so that the heartbeat ends if this future is dropped: such a builder is dead.
    let mut heartbeats = JoinSet::new();
    heartbeats.spawn(heartbeat.run(end.clone()));
    let mut grace = JoinSet::new();
    grace.spawn(force_stop_after(
        stop.clone(),
        args.grace,
        deps.force_stop,
        force_stop.clone(),
    ));

    let dispatcher = Dispatcher {
        connection: deps.connection,
        worker,
        lanes,
        lease: args.lease,
        disk,
        ownership: Arc::clone(&ownership),
        fenced,
        stop,
    };
    Box::pin(dispatcher.run()).await;
    while background.join_next().await.is_some() {}
    grace.shutdown().await;
    end.cancel();
    while let Some(ended) = heartbeats.join_next().await {
        ended.context("ending the heartbeat")?;
    }
    // Fetches must end before the connection is closed.
    workshop.end_fetches().await;
    followers.end().await;
    let ended = spawn_blocking(move || ownership.end(&builder)).await;
    ended.context("ending the ownership of the folder")?;
    sum_up(&deps.counters);
    Ok(())
}

/// Keeps the caches on this disk below their limits until they are dropped.
fn start_trimming(workshop: &Workshop, args: &BuilderArgs) -> ContainedTasks {
    let mut trimming = ContainedTasks::default();
    let trimmed = keep_trimmed(
        workshop.cache_folders(args.go_cache_limit),
        workshop.module_trimmer(args.module_cache_limit),
    );
    trimming.spawn("trimming caches", trimmed);
    trimming
}

/// Repairs files that a crash of the machine may have damaged, if there was one.
async fn mend(
    ownership: &Arc<Ownership>,
    workshop: &Workshop,
    builder: &BuilderId,
) -> anyhow::Result<()> {
    if ownership.after_a_crash {
        workshop.mend_after_a_crash().await;
        let (ownership, builder) = (Arc::clone(ownership), builder.clone());
        spawn_blocking(move || ownership.claim(&builder)).await??;
    }
    Ok(())
}

fn sum_up(counters: &Counters) {
    info!(
        won = counters.claims_won(),
        lost = counters.claims_lost(),
        recovered = counters.recovered(),
        "builder stopped"
    );
}

/// Starts the background work.
fn start_background(
    worker: &Arc<Worker>,
    args: &BuilderArgs,
    deps: &BuilderDeps,
    disk: &Arc<Disk>,
) -> ContainedTasks {
    let connection = &deps.connection;
    let mut background = ContainedTasks::default();
    let does = |work| !args.without.contains(&work);
    if args.warm != Warm::Off {
        let warm_up = WarmUp::new(Arc::clone(worker), args.warm, Arc::clone(disk));
        background.spawn("warm-up", warm_up.run());
    }
    if does(Background::Imports) {
        let imports = ImportDesk::run(Arc::clone(worker));
        background.spawn("imports", imports);
    }
    if !args.go_releases_interval.is_zero() && !args.go.relay.offline {
        let learning = GoReleasesDesk::new(
            Arc::clone(worker),
            connection.clone(),
            args.go_releases_interval,
            deps.go_offer.releases.clone(),
        );
        background.spawn("learning of Go releases", learning.run());
    }
    let replies = connection.reply_rule(&args.reply_prefix);
    let answering = requirements::run(Arc::clone(worker), connection.clone(), replies.clone());
    background.spawn("questions about releases", answering);
    if does(Background::Lint) {
        let lint = lint::run(Arc::clone(worker), connection.clone(), replies);
        background.spawn("lint", lint);
    }
    if does(Background::Ahead) {
        let ahead = BuildAhead::run(Arc::clone(worker), connection.clone(), Arc::clone(disk));
        background.spawn("building ahead", ahead);
    }
    background
}

/// Cancels `force_stop` at the end of the grace time after `stop`, or at once when it is `asked` for.
async fn force_stop_after(
    stop: CancellationToken,
    grace: Duration,
    asked: CancellationToken,
    force_stop: CancellationToken,
) {
    tokio::select! {
        () = async {
            stop.cancelled().await;
            tokio::time::sleep(grace).await;
        } => {}
        () = asked.cancelled() => stop.cancel(),
    }
    force_stop.cancel();
}

fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// `<user>-<random>`, a new one for every start.
fn builder_id(user: &UserName) -> BuilderId {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{user}-{}", &random[..12])
        .parse()
        .expect("letters, digits, dashes and `_`, at most 53")
}
