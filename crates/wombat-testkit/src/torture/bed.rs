//! The processes under test.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use tempfile::TempDir;
use wombat_store::{Connection, Store};

use crate::{Cluster, DelayProxy, NatsServer, NatsServerConfig, Program, Site, StubGo, Wombat};

/// The nats-servers of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One nats-server.
    One,
    /// A cluster of three.
    Three,
}

/// A process, how it was started, and its state folder, so that it can be started again.
#[derive(Debug)]
pub(super) struct RoleProcess {
    program: Program,
    words: Vec<String>,
    state: TempDir,
    running: Option<Wombat>,
}

impl RoleProcess {
    pub(super) fn start(program: &Program, words: Vec<String>) -> anyhow::Result<Self> {
        let mut role = Self {
            program: program.clone(),
            words,
            state: TempDir::with_prefix("wombat-torture-")?,
            running: None,
        };
        role.start_again()?;
        Ok(role)
    }

    pub(super) fn start_again(&mut self) -> anyhow::Result<()> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        self.running = Some(self.program.start_in(self.state.path(), &words)?);
        Ok(())
    }

    /// Kills it, as a crash does.
    pub(super) fn kill(&mut self) {
        self.running = None;
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> anyhow::Result<bool> {
        let running = self.running.as_mut().context("it is killed")?;
        running.has_ended()
    }

    /// Its state folder.
    pub(super) fn state(&self) -> &Path {
        self.state.path()
    }

    /// The id of the builder in this folder.
    pub(super) fn builder_name(&self) -> Option<String> {
        let owner = std::fs::read(self.state.path().join("builder/owner")).ok()?;
        let owner: serde_json::Value = serde_json::from_slice(&owner).ok()?;
        owner["builder"].as_str().map(str::to_owned)
    }

    pub(super) fn process(&self) -> anyhow::Result<&Wombat> {
        self.running.as_ref().context("it is killed")
    }

    pub(super) fn panics(&self) -> Vec<String> {
        let log = self.running.as_ref().map(Wombat::log_text);
        let log = log.unwrap_or_default();
        let lines = log.lines().filter(|line| line.contains("panicked at"));
        lines.map(str::to_owned).collect()
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Bed {
    pub(super) program: Program,
    pub(super) nats: NatsServer,
    pub(super) cluster: Option<Arc<Cluster>>,
    pub(super) go: StubGo,
    pub(super) services: Vec<RoleProcess>,
    pub(super) builders: Vec<RoleProcess>,
    pub(super) site: Site,
    pub(super) connection: Connection,
    pub(super) store: Store,
    gateway: Wombat,
    /// The address of NATS for the processes.
    url: String,
    _link: Option<DelayProxy>,
}

/// Options of a scenario.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// More arguments for `setup`.
    pub(super) setup: Vec<&'static str>,
    /// More arguments for `service`.
    pub(super) service: Vec<&'static str>,
    /// How the service's clock is set, in faketime's syntax.
    pub(super) service_clock: Option<&'static str>,
    /// More arguments for each builder.
    pub(super) builder: Vec<&'static str>,
    /// How each builder's clock is set; there are as many builders as entries.
    pub(super) builders: Vec<Option<&'static str>>,
    /// Time of a round trip between a process and NATS.
    pub(super) round_trip: Option<Duration>,
    /// Whether the gateway knows the first of three nats-servers only.
    pub(super) gateway_at_first: bool,
    /// Seconds by which the clock of the one nats-server, or of the first of three, is ahead.
    pub(super) server_ahead: Option<i64>,
}

impl Bed {
    pub(super) async fn start(
        program: &Program,
        topology: Topology,
        plan: &Plan,
    ) -> anyhow::Result<Self> {
        // A large future, which every scenario would contain.
        Box::pin(Self::begin(program, topology, plan)).await
    }

    async fn begin(program: &Program, topology: Topology, plan: &Plan) -> anyhow::Result<Self> {
        let (nats, cluster) = match topology {
            Topology::One => (
                NatsServer::with(&NatsServerConfig {
                    clock_offset: plan.server_ahead,
                    ..NatsServerConfig::default()
                })?,
                None,
            ),
            Topology::Three => {
                let cluster = Cluster::with_clocks([plan.server_ahead, None, None])?;
                (NatsServer::of_cluster(&cluster)?, Some(cluster))
            }
        };
        program.set_up(&nats, &plan.setup)?;
        let direct = cluster
            .as_ref()
            .map_or_else(|| nats.url(), |cluster| cluster.url_of(0));
        let link = match plan.round_trip {
            Some(round_trip) => Some(DelayProxy::start(&direct, round_trip).await?),
            None => None,
        };
        let url = link.as_ref().map_or_else(|| nats.url(), DelayProxy::url);
        let go = StubGo::new()?;
        // Near NATS, as in practice: a gateway waits only a few seconds for its response.
        let words = ["service", "--nats-url", &nats.url(), "--queue-limit", "0"];
        let words = [&words[..], &plan.service].concat();
        let service = RoleProcess::start(&with_clock(program, plan.service_clock), owned(&words))?;
        let at = if plan.gateway_at_first { &direct } else { &url };
        let (gateway, site) = program.gateway(at, &[]).await?;
        let connection = nats.connection().await?;
        let store = Store::open(&connection).await?;
        let mut bed = Self {
            program: program.clone(),
            nats,
            cluster,
            go,
            services: vec![service],
            builders: Vec::new(),
            site,
            connection,
            store,
            gateway,
            url,
            _link: link,
        };
        for clock in &plan.builders {
            bed.add_builder(&plan.builder, *clock)?;
        }
        bed.site.until_builders(plan.builders.len()).await?;
        Ok(bed)
    }

    fn add_builder(&mut self, more: &[&str], clock: Option<&str>) -> anyhow::Result<()> {
        let (url, go) = (self.url.clone(), path(&self.go.program())?);
        let folder = path(self.go.folder())?;
        let words = ["builder", "--nats-url", &url, "--go", &go];
        let folders = ["--sandbox-allow", &folder, "--warm", "off"];
        let rest = ["--min-free-disk", "0", "--without", "ahead,imports,lint"];
        let words = [&words[..], &folders, &rest, more].concat();
        let program = with_clock(&self.program, clock);
        self.builders
            .push(RoleProcess::start(&program, owned(&words))?);
        Ok(())
    }

    /// Starts another gateway, which knows the first of three nats-servers only, at another address.
    pub(super) async fn another_gateway(&mut self) -> anyhow::Result<()> {
        let cluster = self.cluster.as_ref().context("the topology is a cluster")?;
        (self.gateway, self.site) = self.program.gateway(&cluster.url_of(0), &[]).await?;
        Ok(())
    }

    /// Panics in the logs of running processes.
    pub(super) fn panics(&self) -> Vec<String> {
        let roles = self.services.iter().chain(&self.builders);
        let mut all: Vec<String> = roles.flat_map(RoleProcess::panics).collect();
        let log = self.gateway.log_text();
        let lines = log.lines().filter(|line| line.contains("panicked at"));
        all.extend(lines.map(str::to_owned));
        all
    }
}

/// The program with another time of day; its monotonic clock isn't changed.
fn with_clock(program: &Program, clock: Option<&str>) -> Program {
    const LIBRARY: &str = "libfaketimeMT.so.1";
    let Some(clock) = clock else {
        return program.clone();
    };
    let folders = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib",
    ];
    let mut paths = folders
        .iter()
        .map(|folder| format!("{folder}/faketime/{LIBRARY}"));
    let library = paths.find(|path| Path::new(path).is_file());
    program
        .clone()
        .env("LD_PRELOAD", &library.unwrap_or_else(|| LIBRARY.to_owned()))
        .env("FAKETIME", clock)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn path(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).context("a path of ours")
}
