//! The old program around one state folder.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;
use wombat_testkit::{Program, Site, StubGo, Wombat, wait_until};

/// Generous: this runs by hand, on a machine that may be busy.
pub(crate) const LIMIT: Duration = Duration::from_mins(5);

/// The state folder, the program, and a stand-in for Go.
pub(crate) struct Scene {
    pub(crate) go: StubGo,
    pub(crate) state: PathBuf,
    pub(crate) folder: TempDir,
    program: Program,
}

impl Scene {
    pub(crate) fn new(program: &Path) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-fixture-")?;
        let state = folder.path().join("state");
        std::fs::create_dir(&state)?;
        let program = Program::at(std::path::absolute(program)?)
            .env("WOMBAT_WARM", "off")
            .env("WOMBAT_MIN_FREE_DISK", "0")
            .env("WOMBAT_LEASE", "5s");
        Ok(Self {
            go: StubGo::new()?,
            state,
            folder,
            program,
        })
    }

    /// `wombat up` on the state folder, with one worker.
    pub(crate) async fn up(&self, more: &[&str]) -> anyhow::Result<(Wombat, Site)> {
        let nats = std::path::absolute("target/tools/nats-server")?;
        let (go, allowed, nats) = (
            text(&self.go.program())?,
            text(self.go.folder())?,
            text(&nats)?,
        );
        let words = ["up", "--http", "127.0.0.1:0", "--workers", "1"];
        let places = [
            "--go",
            &go,
            "--sandbox-allow",
            &allowed,
            "--nats-server",
            &nats,
        ];
        let up = self
            .program
            .start_in(&self.state, &[&words[..], &places, more].concat())?;
        let site = Site::new(up.first_line()?);
        site.until_ready().await?;
        Ok((up, site))
    }

    /// One more builder at the same nats-server, with a state folder of its own.
    pub(crate) fn builder(&self, more: &[&str]) -> anyhow::Result<Wombat> {
        let config = std::fs::read_to_string(self.state.join("nats/nats.conf"))?;
        let address = config.split('"').nth(1).context("an address")?;
        let (url, go, allowed) = (
            format!("nats://{address}"),
            text(&self.go.program())?,
            text(self.go.folder())?,
        );
        let words = ["builder", "--nats-url", &url, "--go", &go];
        let places = ["--sandbox-allow", allowed.as_str()];
        self.program.start(&[&words, &places[..], more].concat())
    }

    /// Kills it, as if the machine were switched off, except for nats-server, which closes its files.
    pub(crate) async fn cut_off(&self, mut up: Wombat) -> anyhow::Result<()> {
        // `wombat up` would restart the server.
        up.signal(Signal::SIGSTOP)?;
        let server = self.nats_server()?;
        kill(Pid::from_raw(server), Signal::SIGTERM)?;
        wait_until("nats-server to be gone", LIMIT, async || {
            let stat = std::fs::read_to_string(format!("/proc/{server}/stat"));
            Ok(stat
                .map_or(true, |stat| stat.contains(") Z "))
                .then_some(()))
        })
        .await?;
        up.kill()
    }

    fn nats_server(&self) -> anyhow::Result<i32> {
        let config = text(&self.state.join("nats/nats.conf"))?;
        let mut processes = std::fs::read_dir("/proc")?.flatten().filter_map(|entry| {
            let id: i32 = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
            let program = line.split('\0').next()?;
            (program.ends_with("nats-server") && line.contains(&config)).then_some(id)
        });
        processes.next().context("a running nats-server")
    }
}

/// Sends a request that must be answered with JSON.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.text().await?;
    ensure!(status.is_success(), "{status} {body}");
    Ok(serde_json::from_str(&body)?)
}

pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).context("a path of ours")
}
