//! `wombat up`: all roles in one process, with a nats-server beside it.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::Context;
use clap::{Args as _, FromArgMatches as _};
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};
use tracing::{info, warn};
use wombat_api::{ApiArgs, ApiDeps};
use wombat_builder::{BuilderArgs, IfUnfit};
use wombat_go::GoOptions;
use wombat_model::units;
use wombat_service::{ModulePolicy, ServiceArgs, ServiceDeps};
use wombat_store::{NatsArgs, ProvisionOptions, provision, roles::NatsRole};

use super::roles::{ANSWER_TIMEOUT, BUILDER_TIMEOUT, builder_deps, builds_end_within, connect};
use crate::{
    embedded::{EmbeddedNats, Guard, program},
    output::announce,
    signals::Shutdown,
    state_directory::{StateArgs, StateDirectory},
};

/// Run everything: nats-server, service, builder, gateway and website
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Without NATS_URL a nats-server is started on a free loopback port, with its data in the state folder; it is the one
of --nats-server, beside this program, on the search path or in the state folder, else built once with Go. With --tokens,
or a --http address that other machines reach, it takes only clients with a key: one per role, in nats/keys in the state
folder.
Without Go, the builder fetches it from the module proxy at the first start (70 MB).

Examples:
  wombat up
  wombat up --http 0.0.0.0:8080 --state-dir /var/lib/wombat --workers 4
  NATS_URL=nats://nats:4222 wombat up --open")]
pub(crate) struct UpArgs {
    /// Builds that run at the same time [default: half of the CPUs]
    #[arg(long, env = "WORKERS", value_name = "N")]
    workers: Option<std::num::NonZeroUsize>,
    /// Time for which running builds may continue after the first Ctrl-C; unfinished ones are built at the next start
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = units::duration)]
    grace: Duration,
    /// nats-server program to run [default: the one beside this program or on the search path, else one built with Go]
    #[arg(long, env = "WOMBAT_NATS_SERVER", value_name = "PROGRAM")]
    nats_server: Option<PathBuf>,
    /// Open the website in a browser
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    go: GoOptions,
    #[command(flatten)]
    storage: ProvisionOptions,
    #[command(flatten)]
    nats: NatsArgs,
}

pub(crate) async fn run(args: UpArgs) -> anyhow::Result<()> {
    let shutdown = Shutdown::listen()?;
    let state = StateDirectory::open(&args.state, "up")?;
    let mut nats = UpNats {
        args: args.nats.clone(),
        guard: None,
    };
    let embedded = if nats.args.url.is_none() {
        let go = args.go.go.clone().unwrap_or_else(|| PathBuf::from("go"));
        let starting = async {
            let program = program(args.nats_server.as_deref(), state.path(), &go).await?;
            let guard = if args.needs_guard() {
                Some(Guard::of(state.path()).await?)
            } else {
                None
            };
            let server = EmbeddedNats::start(&program, state.path(), guard.as_ref()).await?;
            anyhow::Ok((server, guard))
        };
        let Some((server, guard)) = shutdown.unless_stopped(starting).await? else {
            return Ok(());
        };
        nats.args.url = Some(server.url().to_owned());
        nats.guard = guard;
        Some(server)
    } else {
        None
    };
    let patience = builds_end_within(args.grace);
    let roles = Box::pin(roles(&args, &nats, &state, &shutdown));
    let result = shutdown.see_through(roles, patience).await;
    // The roles have ended; clients that they left connected are disconnected now.
    if let Some(server) = embedded {
        shutdown.see_through(server.stop(), patience).await?;
    }
    result
}

impl UpArgs {
    /// Whether the gateway's clients may do less than everything. Then the own nats-server tells its clients apart, too:
    /// every program of this machine reaches it.
    fn needs_guard(&self) -> bool {
        self.api.tokens.is_some() || !self.api.address().ip().is_loopback()
    }
}

/// The nats-server, and how the roles log in there.
struct UpNats {
    args: NatsArgs,
    /// The users of the own server; `None`: all roles log in with the same arguments.
    guard: Option<Guard>,
}

impl UpNats {
    fn login(&self, role: NatsRole) -> NatsArgs {
        match (&self.guard, &self.args.url) {
            (Some(guard), Some(url)) => guard.login(url, role),
            (Some(_), None) | (None, _) => self.args.clone(),
        }
    }

    /// A command that shows the micro services.
    fn command(&self) -> String {
        let url = self.args.shown_url();
        match &self.guard {
            Some(guard) => guard.command(&url),
            None => format!("nats --server {url} micro ls"),
        }
    }
}

/// Runs the three roles until the stop signal. If one of them ends by itself, the others are stopped.
async fn roles(
    args: &UpArgs,
    nats: &UpNats,
    state: &StateDirectory,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let connecting = async {
        let admin = nats.login(NatsRole::Admin);
        let connection =
            wombat_store::Connection::open(&admin, "up", Duration::from_secs(10)).await?;
        provision(&connection, &args.storage).await?;
        connection.close().await;
        let connect =
            async |role: NatsRole, timeout| connect(&nats.login(role), role.name(), timeout).await;
        let service = connect(NatsRole::Service, ANSWER_TIMEOUT).await?;
        let builder = connect(NatsRole::Builder, BUILDER_TIMEOUT).await?;
        let api = connect(NatsRole::Api, ANSWER_TIMEOUT).await?;
        anyhow::Ok((service, builder, api))
    };
    let Some((service, builder, api)) = shutdown.unless_stopped(Box::pin(connecting)).await? else {
        return Ok(());
    };
    let (service_connection, service_store) = service;
    let (builder_connection, builder_store) = builder;
    let (api_connection, api_store) = api;
    let connections = [&service_connection, &builder_connection, &api_connection].map(Clone::clone);
    let (bound, address) = oneshot::channel();
    let ready = watch::Sender::new(false);
    let mut readiness = ready.subscribe();
    let service = ServiceDeps {
        connection: service_connection,
        store: service_store,
        state_dir: state.path().to_owned(),
        ready,
    };
    let api = ApiDeps {
        connection: api_connection,
        store: api_store,
        state_dir: state.path().to_owned(),
        listener: None,
        open_control: args.api.tokens.is_none() && args.api.address().ip().is_loopback(),
        bound: Some(bound),
    };
    let builder = builder_deps(
        &builder_connection,
        builder_store,
        state.path(),
        shutdown,
        // Until there is a Go, the website works, and says what is missing or how far the fetch of one is.
        IfUnfit::Wait,
    )?;

    let mut service_args = args.service.clone();
    // Only users of this machine reach a gateway on loopback, and they may build any module.
    if args.api.address().ip().is_loopback() {
        service_args.modules.get_or_insert(ModulePolicy::Any);
    }
    let mut roles = JoinSet::new();
    let stop = &shutdown.stop;
    roles.spawn(wombat_service::run(service, service_args, stop.clone()));
    roles.spawn(wombat_builder::run(
        builder,
        builder_args(args)?,
        stop.clone(),
    ));
    roles.spawn(wombat_api::run(api, args.api.clone(), stop.clone()));
    let (open, command) = (args.open, nats.command());
    let announce = async move {
        let Ok(address) = address.await else { return };
        // A role ended before the service was ready, and reports why.
        if readiness.wait_for(|ready| *ready).await.is_err() {
            return;
        }
        let site = format!("http://{address}");
        announce(&site);
        info!(site, "ready; `{command}` shows the micro services");
        if open {
            open_browser(&site);
        }
    };
    let announcing = tokio::spawn(announce);

    let mut result = Ok(());
    while let Some(ended) = roles.join_next().await {
        let ended = ended.context("a role panicked").and_then(|ended| ended);
        if result.is_ok() {
            result = ended;
        }
        stop.cancel();
    }
    announcing.abort();
    futures::future::join_all(connections.map(wombat_store::Connection::close)).await;
    result
}

/// The builder's settings: its variables and defaults, replaced by the options of `up`.
fn builder_args(args: &UpArgs) -> anyhow::Result<BuilderArgs> {
    let command = BuilderArgs::augment_args(clap::Command::new("builder"));
    let mut builder = BuilderArgs::from_arg_matches(&command.try_get_matches_from(["builder"])?)?;
    builder.workers = args.workers;
    builder.grace = args.grace;
    builder.go = args.go.clone();
    builder.licences = args.service.licences;
    builder.reply_prefix.clone_from(&args.service.reply_prefix);
    Ok(builder)
}

/// Opens the desktop's browser. Without a desktop, the printed URL has to do.
fn open_browser(site: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let started = std::process::Command::new(program)
        .arg(site)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = started {
        warn!(%error, site, "can't open a browser");
    }
}
