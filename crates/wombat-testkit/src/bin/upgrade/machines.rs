//! Two services, two builders and two gateways, started with command lines and variables of version 0.1.0: the first of
//! each kind with flags, the second with variables.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use tempfile::TempDir;
use wombat_store::roles::NatsRole;
use wombat_testkit::{Program, Site, StubGo, Wombat, free_port};

use crate::login::{Login, text};

/// Generous: this runs by hand, on a machine that may be busy.
pub(crate) const LIMIT: Duration = Duration::from_mins(5);
/// The lease of builders.
pub(crate) const LEASE: &str = "5s";

/// The places where roles run: their state folders and addresses stay when the program is another one.
#[derive(Debug)]
pub(crate) struct Machines {
    pub(crate) url: String,
    pub(crate) login: Login,
    pub(crate) go: StubGo,
    pub(crate) sites: [Site; 2],
    /// The folder of the gateways' file of tokens.
    tokens: TempDir,
    services: [TempDir; 2],
    builders: [TempDir; 2],
    gateways: [TempDir; 2],
    addresses: [String; 2],
}

/// The processes.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) services: Vec<Wombat>,
    pub(crate) builders: Vec<Wombat>,
    pub(crate) gateways: Vec<Wombat>,
}

fn folders() -> anyhow::Result<[TempDir; 2]> {
    let folder = || TempDir::with_prefix("wombat-upgrade-");
    Ok([folder()?, folder()?])
}

fn address() -> anyhow::Result<String> {
    Ok(format!("127.0.0.1:{}", free_port()?))
}

/// A client with a new token of an admin.
fn with_token(program: &Program, file: &Path) -> anyhow::Result<reqwest::Client> {
    let words = [
        "token", "new", "--name", "admin", "--role", "admin", "--tokens",
    ];
    let made = program.command().args(words).arg(file).output()?;
    ensure!(made.status.success(), "{made:?}");
    let token = String::from_utf8(made.stdout)?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {}", token.trim()).parse()?);
    let client = reqwest::Client::builder().default_headers(headers).build();
    client.context("a client")
}

impl Machines {
    /// None of them runs yet. `program` makes the token with which the sites are asked.
    pub(crate) fn new(program: &Program, url: String, login: Login) -> anyhow::Result<Self> {
        let addresses = [address()?, address()?];
        let tokens = TempDir::with_prefix("wombat-tokens-")?;
        let mut sites = [0, 1].map(|n| Site::new(format!("http://{}", addresses[n])));
        let client = with_token(program, &tokens.path().join("tokens"))?;
        for site in &mut sites {
            site.client = client.clone();
        }
        Ok(Self {
            url,
            login,
            go: StubGo::new()?,
            sites,
            tokens,
            services: folders()?,
            builders: folders()?,
            gateways: folders()?,
            addresses,
        })
    }

    /// Starts two of each role, and waits until the gateways answer and the builders are present.
    pub(crate) async fn start(&self, program: &Program) -> anyhow::Result<Running> {
        let program = program.clone().without_keys();
        let running = Running {
            services: vec![self.service(&program, 0)?, self.service(&program, 1)?],
            builders: vec![self.builder(&program, 0)?, self.builder(&program, 1)?],
            gateways: vec![self.gateway(&program, 0)?, self.gateway(&program, 1)?],
        };
        for site in &self.sites {
            site.until_ready().await?;
        }
        self.sites[0].until_builders(2).await?;
        Ok(running)
    }

    fn service(&self, program: &Program, n: usize) -> anyhow::Result<Wombat> {
        self.role(program, NatsRole::Service, n, &self.services[n])
    }

    fn builder(&self, program: &Program, n: usize) -> anyhow::Result<Wombat> {
        self.role(program, NatsRole::Builder, n, &self.builders[n])
    }

    fn gateway(&self, program: &Program, n: usize) -> anyhow::Result<Wombat> {
        self.role(program, NatsRole::Api, n, &self.gateways[n])
    }

    /// One more process of a role, in a folder of its own.
    pub(crate) fn one_more(&self, program: &Program, role: NatsRole) -> anyhow::Result<Wombat> {
        let words = self.login_flags(role)?;
        let flags = self.settings(role, "127.0.0.1:0")?;
        let flags = flags.iter().flat_map(|(flag, _, value)| [*flag, value]);
        let words = [role.name()]
            .into_iter()
            .chain(words.iter().map(String::as_str))
            .chain(flags);
        let program = program.clone().without_keys();
        program.start(&words.collect::<Vec<_>>())
    }

    /// The settings of a role: the flag, the variable, and the value.
    fn settings(
        &self,
        role: NatsRole,
        address: &str,
    ) -> anyhow::Result<Vec<(&'static str, &'static str, String)>> {
        let (go, allowed) = (text(&self.go.program())?, text(self.go.folder())?);
        Ok(match role {
            NatsRole::Service => vec![
                ("--keep-days", "WOMBAT_KEEP_DAYS", "30".to_owned()),
                ("--poison-rest", "WOMBAT_POISON_REST", "3600".to_owned()),
                (
                    "--janitor-interval",
                    "WOMBAT_JANITOR_INTERVAL",
                    "60".to_owned(),
                ),
                ("--queue-limit", "WOMBAT_QUEUE_LIMIT", "0".to_owned()),
            ],
            NatsRole::Builder => vec![
                ("--go", "WOMBAT_GO", go),
                ("--sandbox-allow", "WOMBAT_SANDBOX_ALLOW", allowed),
                ("--warm", "WOMBAT_WARM", "off".to_owned()),
                ("--min-free-disk", "WOMBAT_MIN_FREE_DISK", "0".to_owned()),
                ("--lease", "WOMBAT_LEASE", LEASE.to_owned()),
                ("--workers", "WORKERS", "2".to_owned()),
                ("--grace", "WOMBAT_GRACE", "2s".to_owned()),
                ("--without", "WOMBAT_WITHOUT", "ahead,lint".to_owned()),
            ],
            _ => vec![
                (
                    "--tokens",
                    "WOMBAT_TOKENS",
                    text(&self.tokens.path().join("tokens"))?,
                ),
                ("--http", "WOMBAT_HTTP", address.to_owned()),
                (
                    "--artifact-cache-mib",
                    "WOMBAT_ARTIFACT_CACHE_MIB",
                    "512".to_owned(),
                ),
            ],
        })
    }

    fn login_flags(&self, role: NatsRole) -> anyhow::Result<Vec<String>> {
        let mut words = vec!["--nats-url".to_owned(), self.url.clone()];
        if let Some(file) = self.login.seed_file(role) {
            words.extend(["--nats-user-seed-file".to_owned(), text(&file)?]);
        }
        Ok(words)
    }

    /// The first of a role has flags, the second variables: a builder its seed, the others the file with it.
    fn role(
        &self,
        program: &Program,
        role: NatsRole,
        n: usize,
        folder: &TempDir,
    ) -> anyhow::Result<Wombat> {
        let settings = self.settings(role, &self.addresses[n])?;
        if n == 0 && matches!(self.login, Login::Keys(_)) {
            let mut words = vec![role.name().to_owned()];
            words.extend(self.login_flags(role)?);
            words.extend(
                settings
                    .into_iter()
                    .flat_map(|(flag, _, value)| [flag.to_owned(), value]),
            );
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            return program.start_in(folder.path(), &words);
        }
        let mut program = program.clone().env("NATS_URL", &self.url);
        match (role, self.login.seed(role)?, self.login.seed_file(role)) {
            (NatsRole::Builder, Some(seed), _) => program = program.env("NATS_USER_SEED", &seed),
            (_, _, Some(file)) => {
                program = program.env("WOMBAT_NATS_USER_SEED_FILE", &text(&file)?);
            }
            (_, _, None) => {}
        }
        for (_, name, value) in &settings {
            program = program.env(name, value);
        }
        program.start_in(folder.path(), &[role.name()])
    }
}

impl Running {
    /// Stops all as `systemctl stop` does: gateways last, as they answer until then.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        for kind in [&mut self.services, &mut self.builders, &mut self.gateways] {
            stop(kind).await?;
        }
        Ok(())
    }
}

/// Stops these processes with SIGTERM, and waits for them.
pub(crate) async fn stop(processes: &mut Vec<Wombat>) -> anyhow::Result<()> {
    let mut stopping = std::mem::take(processes);
    for process in &stopping {
        process.terminate()?;
    }
    let ended = tokio::task::spawn_blocking(move || {
        for process in &mut stopping {
            process.ended(LIMIT)?;
        }
        anyhow::Ok(())
    });
    ended.await?
}
