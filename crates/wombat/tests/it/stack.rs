//! Processes of a test, and the calls that tests make. All of them are gone when the test is.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use wombat_testkit::{NatsServer, StubGo, wait_until};

/// How long a process may take to say where it listens; a debug build on a busy machine isn't fast.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A `wombat` process. Dropping it kills and reaps it; its log is shown if the test fails.
pub(crate) struct Wombat {
    child: Child,
    lines: mpsc::Receiver<String>,
    log: PathBuf,
    /// Removed with the process, where nobody else needs it.
    own_folder: Option<TempDir>,
}

impl Wombat {
    /// Starts it with a state folder of its own.
    pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-state-")?;
        let mut wombat = Self::start_in(folder.path(), arguments)?;
        wombat.own_folder = Some(folder);
        Ok(wombat)
    }

    /// Starts it with this state folder.
    pub(crate) fn start_in(state: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let name = arguments.first().copied().unwrap_or("wombat");
        let log = state.join(format!("{name}.log"));
        let mut command = wombat();
        let mut child = command
            .args(arguments)
            .arg("--state-dir")
            .arg(state)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            lines,
            log,
            own_folder: None,
        })
    }

    /// The first line that it prints.
    pub(crate) fn first_line(&self) -> anyhow::Result<String> {
        self.lines
            .recv_timeout(START_LIMIT)
            .with_context(|| format!("it printed nothing: {}", self.log_text()))
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), signal)?)
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(
                start.elapsed() < limit,
                "it didn't end within {limit:?}: {}",
                self.log_text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Wombat {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log_text());
        }
    }
}

/// The program, with an environment that no developer's settings leak into.
pub(crate) fn wombat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wombat"));
    for name in [
        "NATS_URL",
        "NATS_USER_JWT",
        "NATS_USER_SEED",
        "NATS_USER_CREDS",
        "WORKERS",
    ] {
        command.env_remove(name);
    }
    let own = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with("WOMBAT_"));
    for name in own {
        command.env_remove(name);
    }
    command.env("WOMBAT_LOG", "info,wombat_builder=debug");
    command
}

/// Separate roles around one nats-server, with a stand-in for Go.
pub(crate) struct Stack {
    pub(crate) nats: NatsServer,
    pub(crate) go: StubGo,
    pub(crate) site: Site,
    _service: Wombat,
    _api: Wombat,
}

impl Stack {
    /// A service and a gateway; no builder yet.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let nats = NatsServer::start()?;
        Self::around(nats).await
    }

    async fn around(nats: NatsServer) -> anyhow::Result<Self> {
        Self::around_with(nats, &[], &[]).await
    }

    /// The same, with more words for `setup` and for `service`.
    pub(crate) async fn around_with(
        nats: NatsServer,
        setup: &[&str],
        service: &[&str],
    ) -> anyhow::Result<Self> {
        set_up(&nats, setup)?;
        let url = nats.url();
        let mut arguments = vec!["service", "--nats-url", &url];
        arguments.extend(service);
        let service = Wombat::start(&arguments)?;
        let api = Wombat::start(&["api", "--nats-url", &nats.url(), "--http", "127.0.0.1:0"])?;
        let site = Site::new(api.first_line()?);
        site.until_ready().await?;
        Ok(Self {
            nats,
            go: StubGo::new()?,
            site,
            _service: service,
            _api: api,
        })
    }

    /// One more builder.
    pub(crate) fn builder(&self, extra: &[&str]) -> anyhow::Result<Wombat> {
        let state = TempDir::with_prefix("wombat-state-")?;
        let mut builder = self.builder_in(state.path(), extra)?;
        builder.own_folder = Some(state);
        Ok(builder)
    }

    /// One more builder, with this state folder.
    pub(crate) fn builder_in(&self, state: &Path, extra: &[&str]) -> anyhow::Result<Wombat> {
        let go = self.go.program();
        let url = self.nats.url();
        let mut arguments = vec![
            "builder",
            "--nats-url",
            &url,
            "--go",
            go.to_str().context("a path of ours")?,
        ];
        arguments.extend(extra);
        Wombat::start_in(state, &arguments)
    }
}

pub(crate) fn set_up(nats: &NatsServer, extra: &[&str]) -> anyhow::Result<()> {
    let output = wombat()
        .args(["setup", "--nats-url", &nats.url()])
        .args(extra)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// A gateway, as a client sees it.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
}

impl Site {
    pub(crate) fn new(url: String) -> Self {
        // The first one to come installs it; the others find it installed.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            url,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) async fn until_ready(&self) -> anyhow::Result<()> {
        wait_until(
            "the gateway and the service to answer",
            START_LIMIT,
            async || {
                let ready = self
                    .get("/readyz")
                    .await
                    .is_ok_and(|response| response.status().is_success());
                let list = self
                    .get("/api/builds")
                    .await
                    .is_ok_and(|response| response.status().is_success());
                Ok((ready && list).then_some(()))
            },
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Response> {
        Ok(self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await?)
    }

    pub(crate) async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let response = self.get(path).await?;
        let status = response.status();
        let body = response.text().await?;
        ensure!(status.is_success(), "GET {path}: {status} {body}");
        Ok(serde_json::from_str(&body)?)
    }

    /// Asks for a build; its status code and what came back.
    pub(crate) async fn ask(&self, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
        let response = self
            .client
            .post(format!("{}/api/builds", self.url))
            .body(body.to_string())
            .send()
            .await?;
        let status = response.status();
        let text = response.text().await?;
        Ok((
            status,
            serde_json::from_str(&text).with_context(|| format!("{status} {text}"))?,
        ))
    }

    /// Asks for a build that has to be taken; its id.
    pub(crate) async fn asked(&self, body: &Value) -> anyhow::Result<String> {
        let (status, view) = self.ask(body).await?;
        ensure!(status.is_success(), "{status} {view}");
        Ok(view["id"].as_str().context("a view has an id")?.to_owned())
    }

    /// Waits until the build has this status.
    pub(crate) async fn until(
        &self,
        id: &str,
        status: &str,
        limit: Duration,
    ) -> anyhow::Result<Value> {
        let path = format!("/api/builds/{id}");
        wait_until(&format!("{id} to be {status}"), limit, async || {
            let view = self.json(&path).await?;
            let found = view["status"].as_str().unwrap_or_default();
            if found != status && ["success", "failed", "cancelled"].contains(&found) {
                bail!("it is {found}: {view}");
            }
            Ok((found == status).then_some(view))
        })
        .await
    }

    /// Waits until so many builders are there.
    pub(crate) async fn until_builders(&self, count: usize) -> anyhow::Result<()> {
        wait_until("the builders to be there", START_LIMIT, async || {
            let answer = self.json("/api/builders").await?;
            Ok((answer["builders"].as_array().map(Vec::len) == Some(count)).then_some(()))
        })
        .await
    }
}

/// A request for packages of Redpanda Connect for linux/amd64.
pub(crate) fn a_request(packages: &[&str]) -> Value {
    let paths: Vec<String> = packages.iter().map(|name| connect(name)).collect();
    serde_json::json!({"goos": "linux", "goarch": "amd64", "goVersion": "1.26.8", "packages": paths})
}

/// A request that no other of these numbers equals: for builds by a stand-in.
pub(crate) fn a_distinct_request(n: u32) -> Value {
    let names = [
        "nats",
        "redis",
        "kafka",
        "mqtt",
        "amqp09",
        "sql",
        "prometheus",
        "confluent",
        "aws",
    ];
    let picked: Vec<&str> = names
        .iter()
        .enumerate()
        .filter(|(bit, _)| (n + 1) & (1 << bit) != 0)
        .map(|(_, name)| *name)
        .collect();
    a_request(&picked)
}

/// The import path of a package of Redpanda Connect.
pub(crate) fn connect(name: &str) -> String {
    format!("github.com/redpanda-data/connect/v4/public/components/{name}")
}

/// The path of a build's binary.
pub(crate) fn artifact_path(id: &str) -> String {
    let parts: Vec<&str> = id.split('.').collect();
    format!(
        "/artifacts/{}/{}/{}/{}",
        parts[1], parts[2], parts[3], parts[4]
    )
}

/// Folders of Go that real builds share, so that they don't compile everything again: what `go env` says.
pub(crate) fn go_caches() -> anyhow::Result<[(&'static str, OsString); 2]> {
    let ask = |name| -> anyhow::Result<OsString> {
        let output = Command::new("go")
            .args(["env", name])
            .output()
            .context("real builds need Go")?;
        Ok(String::from_utf8(output.stdout)?.trim().into())
    };
    Ok([
        ("WOMBAT_MODULE_CACHE", ask("GOMODCACHE")?),
        ("WOMBAT_GO_CACHE", ask("GOCACHE")?),
    ])
}
