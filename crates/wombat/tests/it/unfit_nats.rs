//! Unsuitable servers, and logins in a URL: one correct message each.

use std::{fs, process::Output, time::Duration};

use anyhow::Context;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use wombat_testkit::{NatsServer, NatsServerConfig, Stack, a_request};

use crate::{nats_cli::Nats, program};

const AT_ONCE: Duration = Duration::from_secs(10);

fn set_up(url: &str, more: &[&str]) -> anyhow::Result<Output> {
    let words = ["setup", "--nats-url", url];
    Ok(program().command().args(words).args(more).output()?)
}

/// `setup`, `doctor` and every role end with this message.
fn all_refuse(url: &str, words: &str) -> anyhow::Result<()> {
    for command in ["setup", "doctor"] {
        let output = program()
            .command()
            .args([command, "--nats-url", url])
            .output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains(words), "{command}: {said}");
    }
    for role in ["service", "builder", "api", "up"] {
        let mut process = program().start(&[role, "--nats-url", url])?;
        assert_eq!(process.ended(AT_ONCE)?.code(), Some(1), "{role}");
        let said = process.log_text();
        assert!(said.contains(words), "{role}: {said}");
        assert_eq!(said.matches("error: ").count(), 1, "{role}: {said}");
    }
    Ok(())
}

fn with_max_payload(limit: &str) -> anyhow::Result<NatsServer> {
    NatsServer::with(&NatsServerConfig {
        extra: format!("max_payload: {limit}"),
        ..NatsServerConfig::default()
    })
}

#[test]
fn a_server_of_small_messages_is_refused_with_the_limit_that_is_needed() -> anyhow::Result<()> {
    let nats = with_max_payload("64KB")?;
    all_refuse(&nats.url(), "max_payload: 512KB")
}

#[tokio::test]
async fn the_smallest_server_builds_and_describes_itself() -> anyhow::Result<()> {
    let nats = with_max_payload("512KB")?;
    let stack = Stack::around_with(&program(), nats, &[], &[]).await?;
    stack.go.makes_bytes(3 << 20)?;
    let _builder = stack.builder(&[])?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    let success = stack.site.until(&id, "success", Duration::from_mins(1));
    success.await?;
    for service in ["build", "catalog"] {
        let said = Nats::at(&stack.nats.url())?.run(&["micro", "info", service])?;
        assert!(said.contains("request-schema"), "{said}");
    }
    Ok(())
}

#[test]
fn a_server_without_jetstream_is_refused() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("wombat-plain-nats-")?;
    let config = folder.path().join("nats.conf");
    fs::write(&config, "server_name: plain\n")?;
    let nats = NatsServer::of_config(&config)?;
    // Without a user: this server has none.
    for command in ["setup", "doctor", "api"] {
        let state = TempDir::with_prefix("wombat-state-")?;
        let mut asked = program().command();
        asked.args([command, "--nats-url", &nats.url()]);
        if command != "setup" {
            asked.arg("--state-dir").arg(state.path());
        }
        let output = asked.output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("has no JetStream"), "{command}: {said}");
    }
    Ok(())
}

/// A proxy to a server that claims to have this version.
async fn disguised(target: &str, version: &'static str) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("nats://{}", listener.local_addr()?);
    let target = target.trim_start_matches("nats://").to_owned();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = BufReader::new(TcpStream::connect(&target).await?);
            let mut info = String::new();
            far.read_line(&mut info).await?;
            let json = info.trim_start_matches("INFO ").trim();
            let mut info: serde_json::Value = serde_json::from_str(json)?;
            info["version"] = version.into();
            near.write_all(format!("INFO {info}\r\n").as_bytes())
                .await?;
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
        anyhow::Ok(())
    });
    Ok(url)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_is_refused_with_the_version_that_is_needed() -> anyhow::Result<()> {
    let nats = NatsServer::alone()?;
    let old = disguised(&nats.url(), "2.10.29").await?;
    tokio::task::spawn_blocking(move || {
        all_refuse(
            &old,
            "is version 2.10.29, and Wombat Builder needs 2.11 or newer",
        )
    })
    .await?
}

#[test]
fn a_user_in_the_address_is_used_and_never_shown() -> anyhow::Result<()> {
    let nats = NatsServer::with(&NatsServerConfig {
        extra: "authorization { user: ann, password: \"s3cr@t:x\" }".to_owned(),
        own_users: true,
        ..NatsServerConfig::default()
    })?;
    let host = nats.url().trim_start_matches("nats://").to_owned();
    let said = |output: &Output| {
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!said.contains("s3cr"), "a password is shown: {said}");
        said
    };
    let right = set_up(&format!("nats://ann:s3cr%40t:x@{host}"), &[])?;
    assert!(right.status.success(), "{}", said(&right));

    let wrong = set_up(&format!("nats://ann:s3crxx@{host}"), &[])?;
    assert_eq!(wrong.status.code(), Some(5), "{}", said(&wrong));
    let none = set_up(&nats.url(), &[])?;
    assert_eq!(none.status.code(), Some(5), "{}", said(&none));
    let both = set_up(
        &format!("nats://ann:s3crxx@{host}"),
        &["--nats-user", "ann", "--nats-password", "s3cr@t:x"],
    )?;
    assert!(
        both.status.success(),
        "the login beside the address counts: {}",
        said(&both)
    );

    let help = program()
        .command()
        .args(["setup", "--help"])
        .env("NATS_URL", format!("nats://ann:s3crxx@{host}"))
        .output()
        .context("help")?;
    said(&help);
    Ok(())
}
