//! Results and notes when their output can't be written, and the messages of interrupted commands.

use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use wombat_testkit::{NatsServer, Site, Stack, StubGo, a_request, wait_until};

use crate::program;

const SOON: Duration = Duration::from_secs(30);

fn full() -> anyhow::Result<File> {
    Ok(File::options().write(true).open("/dev/full")?)
}

/// Checks that it ended with this code and without a panic; returns its standard error.
fn ended(command: &mut Command, code: i32) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::piped()).spawn()?.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    Ok(said)
}

#[test]
fn a_result_that_cant_be_written_is_an_error() -> anyhow::Result<()> {
    let mut completions = program().command();
    let said = ended(completions.args(["completions", "bash"]).stdout(full()?), 1)?;
    assert!(said.contains("can't write to standard output"), "{said}");
    let mut token = program().command();
    token.args(["token", "new", "--name", "ci", "--role", "operator"]);
    let said = ended(token.stdout(full()?), 1)?;
    assert!(said.contains("can't write to standard output"), "{said}");
    Ok(())
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() -> anyhow::Result<()> {
    for words in [&["completions", "bash"][..], &["completions", "zsh"]] {
        let mut child = program()
            .command()
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // As `head -1` does: it reads one line and exits.
        let mut stdout = child.stdout.take().context("a pipe was asked for")?;
        stdout.read_exact(&mut [0; 16])?;
        drop(stdout);
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    Ok(())
}

#[test]
fn words_beside_the_result_are_dropped_where_nothing_reads_them() -> anyhow::Result<()> {
    let mut child = program()
        .command()
        .args(["list", "--server", "http://127.0.0.1:9"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(child.stderr.take());
    assert_eq!(child.wait()?.code(), Some(5));
    Ok(())
}

#[tokio::test]
async fn a_server_runs_on_where_its_address_cant_be_written() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let go = StubGo::new()?;
    let state = TempDir::with_prefix("wombat-state-")?;
    let log = state.path().join("log");
    let port = std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port();
    let address = format!("127.0.0.1:{port}");
    let mut up = program()
        .command()
        .args(["up", "--nats-url", &nats.url(), "--http", &address, "--go"])
        .arg(go.program())
        .arg("--sandbox-allow")
        .arg(go.folder())
        .arg("--state-dir")
        .arg(state.path())
        .stdin(Stdio::null())
        .stdout(full()?)
        .stderr(File::create(&log)?)
        .spawn()?;
    let site = Site::new(format!("http://{address}"));
    let ready = site.until_ready().await;
    let said = wait_until("it to say so", SOON, async || {
        let log = std::fs::read_to_string(&log)?;
        Ok(log.contains("can't write to standard output").then_some(()))
    })
    .await;
    kill(Pid::from_raw(up.id().cast_signed()), Signal::SIGTERM)?;
    let status = up.wait()?;
    ready.and(said)?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[tokio::test]
async fn who_stops_waiting_for_a_build_is_told_how_to_come_back() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let folder = TempDir::with_prefix("wombat-words-")?;
    let path = folder.path().join("words");
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut build = program()
            .command()
            .args([
                "build",
                "nats",
                "--platform",
                "linux/amd64",
                "--go",
                "1.26.8",
            ])
            .args(["--server"])
            .arg(&stack.site.url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&path)?)
            .spawn()?;
        wait_until("it to wait", SOON, async || {
            let waits =
                std::fs::read_to_string(&path)?.contains("no connected builder can build it");
            Ok(waits.then_some(()))
        })
        .await?;
        kill(Pid::from_raw(build.id().cast_signed()), signal)?;
        let status = build.wait()?;
        let said = std::fs::read_to_string(&path)?;
        assert_eq!(status.code(), Some(130), "{said}");
        let id = stack.site.asked(&a_request(&["nats"])).await?;
        let server = &stack.site.url;
        for words in [
            "the build continues".to_owned(),
            format!("wombat get --server {server} {id}"),
            format!("wombat logs --server {server} --follow {id}"),
            format!("wombat download --server {server} {id}"),
        ] {
            assert!(said.contains(&words), "{words:?} isn't in: {said}");
        }
        assert_eq!(
            stack.site.json(&format!("/api/builds/{id}")).await?["status"],
            "new"
        );
    }
    Ok(())
}
