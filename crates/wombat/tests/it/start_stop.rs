//! Shutdown: with NATS up, away or hanging, at the first signal and at the second, and when the terminal closes.

use std::{
    fs::File,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use wombat_testkit::{NatsServer, Site, StubGo, Wombat, a_request, freeze, wait_until};

use crate::program;

const SOON: Duration = Duration::from_secs(30);
/// Fifteen seconds, and a margin for a busy machine.
const IN_ORDER: Duration = Duration::from_secs(20);
/// A builder has five seconds to return its builds.
const AT_ONCE: Duration = Duration::from_secs(8);

/// Every role around one server, each in a process.
struct Roles {
    nats: NatsServer,
    go: StubGo,
    site: Site,
    processes: Vec<(&'static str, Wombat)>,
}

impl Roles {
    async fn start(builder: &[&str]) -> anyhow::Result<Self> {
        let nats = NatsServer::alone()?;
        program().set_up(&nats, &[])?;
        let go = StubGo::new()?;
        let (path, folder) = (go.program(), go.folder().to_owned());
        let url = nats.url();
        let at = ["--nats-url", url.as_str()];
        let go_words = [
            "--go",
            path.to_str().context("a path of ours")?,
            "--sandbox-allow",
            folder.to_str().context("a path of ours")?,
        ];
        let http = ["--http", "127.0.0.1:0"];
        let service = program().start(&[&["service"], &at[..]].concat())?;
        let own = [
            &["builder"],
            &at[..],
            &go_words,
            &["--warm", "off"],
            builder,
        ]
        .concat();
        let builder = program().start(&own)?;
        let api = program().start(&[&["api"], &at[..], &http].concat())?;
        let up = program().start(&[&["up"], &at[..], &http, &go_words].concat())?;
        up.first_line()?;
        let site = Site::new(api.first_line()?);
        site.until_ready().await?;
        site.until_builders(2).await?;
        let processes = vec![
            ("service", service),
            ("builder", builder),
            ("api", api),
            ("up", up),
        ];
        Ok(Self {
            nats,
            go,
            site,
            processes,
        })
    }

    async fn hang_nats(&self) -> anyhow::Result<()> {
        freeze(self.nats.id().context("it runs")?).await
    }

    /// All exit successfully after the signal.
    fn end_in_order(&mut self, signal: Signal) -> anyhow::Result<()> {
        let asked = Instant::now();
        for (_, process) in &self.processes {
            process.signal(signal)?;
        }
        for (name, process) in &mut self.processes {
            let left = IN_ORDER.saturating_sub(asked.elapsed());
            let status = process.ended(left).context(*name)?;
            assert!(status.success(), "{name}: {status}");
            let log = process.log_text();
            assert!(!log.contains("panicked"), "{name}: {log}");
        }
        Ok(())
    }
}

#[tokio::test]
async fn every_role_ends_in_order_with_nats_there() -> anyhow::Result<()> {
    let mut roles = Roles::start(&[]).await?;
    roles.end_in_order(Signal::SIGTERM)
}

#[tokio::test]
async fn a_terminal_that_goes_ends_every_role_in_order() -> anyhow::Result<()> {
    let mut roles = Roles::start(&[]).await?;
    roles.end_in_order(Signal::SIGHUP)
}

#[tokio::test]
async fn every_role_ends_with_nats_away() -> anyhow::Result<()> {
    let mut roles = Roles::start(&[]).await?;
    roles.nats.kill()?;
    roles.end_in_order(Signal::SIGTERM)
}

#[tokio::test]
async fn every_role_ends_with_a_nats_that_hangs() -> anyhow::Result<()> {
    let mut roles = Roles::start(&[]).await?;
    roles.hang_nats().await?;
    roles.end_in_order(Signal::SIGTERM)
}

#[tokio::test]
async fn a_second_signal_ends_every_role_at_once_whatever_hangs() -> anyhow::Result<()> {
    let mut roles = Roles::start(&["--grace", "600s"]).await?;
    roles.go.takes_seconds(3600.0)?;
    roles.site.asked(&a_request(&["nats"])).await?;
    roles.go.until_compiling().await?;
    roles.hang_nats().await?;
    for (_, process) in &roles.processes {
        process.terminate()?;
    }
    for (name, process) in &mut roles.processes {
        // An idle role may have ended by then.
        wait_until("the first signal to be heard", SOON, async || {
            let heard = process.log_text().contains("a second signal stops at once");
            Ok(heard.then_some(()))
        })
        .await?;
        let asked = Instant::now();
        process.terminate()?;
        process.ended(AT_ONCE).context(*name)?;
        println!("{name} ended {:?} after the second signal", asked.elapsed());
    }
    roles.go.until_gone().await
}

#[tokio::test]
async fn a_builder_ends_within_its_grace_with_a_nats_that_hangs() -> anyhow::Result<()> {
    let mut roles = Roles::start(&["--grace", "1s"]).await?;
    roles.go.takes_seconds(3600.0)?;
    roles.site.asked(&a_request(&["nats"])).await?;
    roles.go.until_compiling().await?;
    roles.hang_nats().await?;
    let asked = Instant::now();
    for (name, process) in &mut roles.processes {
        if ["builder", "up"].contains(name) {
            process.terminate()?;
            process.ended(IN_ORDER).context(*name)?;
            println!("{name} ended {:?} after the signal", asked.elapsed());
        }
    }
    roles.go.until_gone().await
}

#[tokio::test]
async fn under_nohup_a_role_outlives_its_terminal() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let state = TempDir::with_prefix("wombat-state-")?;
    let log = state.path().join("log");
    let mut service = Command::new("nohup")
        .arg(env!("CARGO_BIN_EXE_wombat"))
        .args(["service", "--nats-url", &nats.url(), "--state-dir"])
        .arg(state.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .spawn()?;
    let process = Pid::from_raw(service.id().cast_signed());
    let said = async |words: &str| {
        wait_until(words, SOON, async || {
            Ok(std::fs::read_to_string(&log)?.contains(words).then_some(()))
        })
        .await
    };
    said("the service answers").await?;
    kill(process, Signal::SIGHUP)?;
    kill(process, Signal::SIGTERM)?;
    said("a second signal stops at once").await?;
    let status = service.wait()?;
    assert!(status.success(), "{status}");
    let log = std::fs::read_to_string(&log)?;
    assert!(!log.contains("stopping now"), "SIGHUP was heard: {log}");
    Ok(())
}
