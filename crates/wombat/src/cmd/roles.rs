//! `wombat service`, `wombat builder`, `wombat api`: one role per process, with an existing NATS.

use std::{path::Path, time::Duration};

use anyhow::Context;
use tokio::sync::{oneshot, watch};
use wombat_api::{ApiArgs, ApiDeps};
use wombat_builder::{BuilderArgs, BuilderDeps, Counters, IfUnfit};
use wombat_go::GoOffer;
use wombat_service::{ServiceArgs, ServiceDeps};
use wombat_store::{Connection, NatsArgs, Store};

use crate::{
    output::announce,
    signals::{Patience, Shutdown},
    state_directory::{StateArgs, StateDirectory},
};

/// NATS timeout of the roles that answer clients: short enough to report a failure within two seconds.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);
/// NATS timeout of a builder.
pub(crate) const BUILDER_TIMEOUT: Duration = Duration::from_secs(5);

/// For roles whose requests take no longer than an answer.
const AT_ONCE: Patience = Patience {
    grace: Duration::ZERO,
    last_words: Duration::from_secs(2),
};

/// For builders: running builds may continue within `grace`, and returned ones have to be recorded.
pub(crate) const fn builds_end_within(grace: Duration) -> Patience {
    Patience {
        grace,
        last_words: Duration::from_secs(5),
    }
}

/// Run the micro services that take requests, search builds, and clean up
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServiceCommand {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    state: StateArgs,
}

/// Run a builder: it claims builds, runs Go, and uploads the binaries
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
SIGTERM: claims nothing new, finishes running builds within --grace, returns the rest to the queue. A second SIGTERM returns all at once.

Example:
  wombat builder --nats-url nats://nats:4222 --workers 4 --state-dir /var/lib/wombat")]
pub(crate) struct BuilderCommand {
    #[command(flatten)]
    builder: BuilderArgs,
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    state: StateArgs,
}

/// Run the gateway: REST, downloads, and the website
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ApiCommand {
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    state: StateArgs,
}

pub(crate) async fn service(command: ServiceCommand) -> anyhow::Result<()> {
    let shutdown = Shutdown::listen()?;
    let state = StateDirectory::open(&command.state, "service")?;
    let connecting = connect(&command.nats, "service", ANSWER_TIMEOUT);
    let Some((connection, store)) = shutdown.unless_stopped(connecting).await? else {
        return Ok(());
    };
    let deps = ServiceDeps {
        connection: connection.clone(),
        store,
        state_dir: state.path().to_owned(),
        ready: watch::Sender::new(false),
    };
    let serving = wombat_service::run(deps, command.service, shutdown.stop.clone());
    shutdown
        .see_through(Box::pin(and_close(serving, connection)), AT_ONCE)
        .await
}

pub(crate) async fn builder(command: BuilderCommand) -> anyhow::Result<()> {
    let shutdown = Shutdown::listen()?;
    let state = StateDirectory::open(&command.state, "builder")?;
    let connecting = connect(&command.nats, "builder", BUILDER_TIMEOUT);
    let Some((connection, store)) = shutdown.unless_stopped(connecting).await? else {
        return Ok(());
    };
    let deps = builder_deps(&connection, store, state.path(), &shutdown, IfUnfit::End)?;
    let patience = builds_end_within(command.builder.grace);
    let building = Box::pin(wombat_builder::run(
        deps,
        command.builder,
        shutdown.stop.clone(),
    ));
    shutdown
        .see_through(Box::pin(and_close(building, connection)), patience)
        .await
}

pub(crate) async fn api(command: ApiCommand) -> anyhow::Result<()> {
    let shutdown = Shutdown::listen()?;
    let state = StateDirectory::open(&command.state, "api")?;
    let connecting = connect(&command.nats, "api", ANSWER_TIMEOUT);
    let Some((connection, store)) = shutdown.unless_stopped(connecting).await? else {
        return Ok(());
    };
    let (bound, address) = oneshot::channel();
    let deps = ApiDeps {
        connection: connection.clone(),
        store,
        state_dir: state.path().to_owned(),
        listener: None,
        open_control: false,
        bound: Some(bound),
    };
    let announcing = async {
        if let Ok(address) = address.await {
            announce(&format!("http://{address}"));
        }
    };
    let serving = async {
        let serving = wombat_api::run(deps, command.api, shutdown.stop.clone());
        tokio::join!(serving, announcing).0
    };
    shutdown
        .see_through(Box::pin(and_close(serving, connection)), AT_ONCE)
        .await
}

/// Closes the connection however the role ended.
async fn and_close(
    role: impl Future<Output = anyhow::Result<()>>,
    connection: Connection,
) -> anyhow::Result<()> {
    let ended = role.await;
    connection.close().await;
    ended
}

/// The role's own connection, and the buckets on it.
pub(crate) async fn connect(
    nats: &NatsArgs,
    role: &str,
    timeout: Duration,
) -> anyhow::Result<(Connection, Store)> {
    let connection = Connection::open(nats, role, timeout).await?;
    let store = Store::open(&connection).await?;
    Ok((connection, store))
}

pub(crate) fn builder_deps(
    connection: &Connection,
    store: Store,
    state: &Path,
    shutdown: &Shutdown,
    if_unfit: IfUnfit,
) -> anyhow::Result<BuilderDeps> {
    Ok(BuilderDeps {
        connection: connection.clone(),
        store,
        state_dir: state.to_owned(),
        helper: std::env::current_exe().context("finding this program")?,
        force_stop: shutdown.hurry.clone(),
        counters: Counters::default(),
        go_offer: go_offer()?,
        if_unfit,
    })
}

/// The Go releases that come with this program.
pub(crate) fn go_offer() -> anyhow::Result<GoOffer> {
    Ok(GoOffer {
        releases: wombat_service::go_releases()?,
        line: wombat_service::default_go_line()?,
    })
}
