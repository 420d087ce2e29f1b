//! Two of each role, upgraded by the steps of docs/NATS.md while clients go on: on a server with the keys of version
//! 0.1.0, or on one without users.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;
use wombat_store::{Connection, roles::NatsRole};
use wombat_testkit::{NatsServer, NatsServerConfig, wait_until};

use crate::{
    Tools,
    cli::Documented,
    clients::Clients,
    left_behind, load,
    login::{Login, text},
    machines::{LIMIT, Machines, Running, stop},
    protocol::{Protocol, quote, quote_log},
    room, setup,
    streams::{Contents, infos},
};

/// What the parts of an upgrade have in common.
pub(crate) struct System<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) protocol: &'a Protocol,
    pub(crate) machines: Machines,
    pub(crate) nats: NatsServer,
    folder: TempDir,
}

impl<'a> System<'a> {
    /// A nats-server as version 0.1.0 configures it, or without users, with its buckets.
    async fn start(
        tools: &'a Tools,
        protocol: &'a Protocol,
        has_users: bool,
    ) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-upgrade-")?;
        let config = folder.path().join("nats");
        let (nats, login) = if has_users {
            let words = [
                "setup".to_owned(),
                "--write-config".to_owned(),
                text(&config)?,
            ];
            setup::done(&tools.old, words.into()).await?;
            let nats = NatsServer::of_config(&config.join("server/nats-server.conf"))?;
            (nats.tolerant(), Login::Keys(config))
        } else {
            let options = NatsServerConfig {
                own_users: true,
                ..NatsServerConfig::default()
            };
            (NatsServer::with(&options)?, Login::Open)
        };
        let url = nats.url();
        let words = login.setup(&url, &["--artifacts-mib", "4096"])?;
        setup::done(&tools.old, words).await?;
        Ok(Self {
            tools,
            protocol,
            machines: Machines::new(&tools.old, url, login)?,
            nats,
            folder,
        })
    }

    pub(crate) async fn admin(&self) -> anyhow::Result<Connection> {
        let args = self
            .machines
            .login
            .args(&self.nats.url(), NatsRole::Admin)?;
        Ok(Connection::open(&args, "admin", Duration::from_secs(10)).await?)
    }

    /// The configuration of each stream.
    async fn configurations(&self) -> anyhow::Result<Vec<Value>> {
        let infos = infos(&self.admin().await?).await?;
        Ok(infos
            .into_values()
            .map(|info| info["config"].clone())
            .collect())
    }

    pub(crate) async fn set_up(&self, more: &[&str]) -> anyhow::Result<setup::Ended> {
        let words = self.machines.login.setup(&self.machines.url, more)?;
        setup::run(&self.tools.new, words).await
    }

    /// `wombat setup` of this version refuses while these run, names them, and changes nothing.
    async fn refused_while(&self, running: &str, names: &[&str]) -> anyhow::Result<()> {
        let before = self.configurations().await?;
        let ended = self.set_up(&["--wait", "1s"]).await?;
        let said = ended.said();
        let is_named = names.iter().all(|name| said.contains(name));
        let problem = format!("a refusal that names {names:?}: {said}");
        self.protocol.holds(&problem, !ended.is_success && is_named);
        let is_same = self.configurations().await? == before;
        self.protocol
            .holds("a refusal that changes no stream", is_same);
        let words = format!("`wombat setup` is refused while {running} run:");
        self.protocol.step(words);
        quote(last_line(&said));
        Ok(())
    }

    /// Step 1: everything stops, in the order in which a person might do it; nothing else is done before all have.
    async fn stopped(&self, running: &mut Running) -> anyhow::Result<()> {
        let both = ["a service (0.1.0)", "builder "];
        self.refused_while("two of each role", &both).await?;
        stop(&mut running.services).await?;
        self.refused_while("builders and gateways", &["builder "])
            .await?;
        running.stop().await?;
        self.protocol
            .step("services, builders and gateways are stopped with SIGTERM");
        Ok(())
    }

    /// Steps 2 and 3: the configuration is written, and nats-server is restarted. A copy of its data is kept.
    async fn reconfigured(&mut self) -> anyhow::Result<Option<TempDir>> {
        let Login::Keys(config) = self.machines.login.clone() else {
            return Ok(None);
        };
        let seeds = || -> anyhow::Result<Vec<Option<String>>> {
            let roles = NatsRole::WITH_USERS.iter();
            roles.map(|role| self.machines.login.seed(*role)).collect()
        };
        let before = seeds()?;
        let words = [
            "setup".to_owned(),
            "--write-config".to_owned(),
            text(&config)?,
        ];
        let ended = setup::done(&self.tools.new, words.into()).await?;
        self.protocol.holds("all keys stay", seeds()? == before);
        self.protocol.step("`wombat setup --write-config` says:");
        quote(&ended.printed);
        let kept = TempDir::with_prefix("wombat-upgrade-copy-")?;
        let begun = Instant::now();
        restart(&mut self.nats, &config.join("data"), kept.path()).await?;
        let took = begun.elapsed().as_secs_f64();
        let words =
            format!("nats-server is restarted ({took:.1} s, with a copy of its data for later)");
        self.protocol.step(words);
        Ok(Some(kept))
    }

    /// Step 4, killed twice, and repeated.
    async fn upgraded(&self) -> anyhow::Result<()> {
        for words in ["copying out", "copying back"] {
            let login = &self.machines.login;
            let arguments = login.setup(&self.machines.url, &[])?;
            setup::killed_at(&self.tools.new, arguments, words).await?;
            self.protocol
                .step(format!("`wombat setup` is killed at `{words}`"));
        }
        let ended = self.set_up(&[]).await?;
        ensure!(ended.is_success, "{}", ended.said());
        let says_so = ["service", "builder", "gateway", "with this version"];
        let says_so = says_so.iter().all(|word| ended.printed.contains(word));
        self.protocol.holds("it says what to start", says_so);
        self.protocol.step("`wombat setup` is repeated, and says:");
        quote_log(&ended.said());
        let again = self.set_up(&[]).await?;
        ensure!(again.is_success, "{}", again.said());
        self.protocol
            .step("`wombat setup` is repeated once more, and says:");
        quote_log(&again.said());
        Ok(())
    }
}

/// The last line with words.
fn last_line(text: &str) -> &str {
    let mut lines = text.lines().rev();
    lines.find(|line| !line.trim().is_empty()).unwrap_or("")
}

/// Stops the server in order, copies its data, and starts it again.
async fn restart(nats: &mut NatsServer, data: &Path, copy: &Path) -> anyhow::Result<()> {
    let id = nats.id().context("it runs")?;
    kill(Pid::from_raw(id.cast_signed()), Signal::SIGTERM)?;
    wait_until("nats-server to end", LIMIT, async || {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
        Ok(stat
            .map_or(true, |stat| stat.contains(") Z "))
            .then_some(()))
    })
    .await?;
    nats.kill()?;
    let copied = Command::new("cp")
        .arg("--archive")
        .args([data, copy])
        .status()?;
    ensure!(copied.success(), "cp: {copied}");
    nats.restart()
}

/// Runs one upgrade from the start of version 0.1.0 to its comparison.
pub(crate) async fn run(tools: &Tools, protocol: &Protocol, has_users: bool) -> anyhow::Result<()> {
    protocol.part(if has_users {
        "a server with the keys of 0.1.0"
    } else {
        "a server without users, with NATS_URL alone"
    });
    let mut system = System::start(tools, protocol, has_users).await?;
    let mut running = system.machines.start(&tools.old).await?;
    protocol.step("version 0.1.0 runs: nats-server, two services, two builders, two gateways");
    let mut clients = Clients::new(&system.machines.sites);
    let count = if has_users {
        tools.builds
    } else {
        tools.builds / 5
    };
    let (site, go) = (&system.machines.sites[0], &system.machines.go);
    let before = load::fill(site, go, &mut clients, count).await?;
    protocol.step(format!("while clients go on: {}", before.counts()));
    system.object_gets(&before, Documented::V0_1_0).await?;
    let open = load::leave_open(site, go, &clients).await?;
    protocol.step(format!(
        "{} builds and an import are requested, and some of them run",
        open.len()
    ));

    let stopping = Instant::now();
    system.stopped(&mut running).await?;
    let contents = Contents::read(&system.admin().await?).await?;
    protocol.step(format!("stored: {}", contents.counts()));
    let kept = system.reconfigured().await?;
    system.upgraded().await?;
    let now = Contents::read(&system.admin().await?).await?;
    let words = "every message and object is as it was";
    protocol.compared(&contents.differences(&now), words);
    system.machines.go.takes_seconds(0.0)?;
    load::offer_no_module(&system.machines.go)?;
    let running = system.machines.start(&tools.new).await?;
    let down = stopping.elapsed().as_secs_f64();
    protocol.step(format!("this version runs with the same keys, flags and variables; {down:.0} s since the stop began"));

    system.compared(&before, &clients, &open).await?;
    system.object_gets(&before, Documented::Now).await?;
    left_behind::run(&system, &before, &clients).await?;
    protocol.wrong("answers to clients", &clients.wrong());
    protocol.step("clients:");
    quote(&clients.to_string());
    drop((clients, running));
    if let Some(kept) = kept {
        room::run(&system, &contents, kept.path()).await?;
    }
    drop(system.folder);
    Ok(())
}
