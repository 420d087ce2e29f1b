//! Go that is missing, fetched, broken, old or hanging, and a port that is in use.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use serde_json::json;
use tempfile::TempDir;
use wombat_testkit::{
    ModuleProxy, NatsServer, Program, ProxyFault, Site, StubGo, Wombat, a_request, install,
    nats_server_program, wait_until,
};

use crate::{program, real_build::COLD};

/// Builders give up on a hanging `go` after twenty seconds.
const SOON: Duration = Duration::from_mins(1);
const AT_ONCE: Duration = Duration::from_secs(10);

/// An executable script.
fn script(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// `wombat up` with an installed nats-server, once it prints its address.
async fn up(program: &Program, more: &[&str]) -> anyhow::Result<(Wombat, Site)> {
    let nats_server = std::path::absolute(nats_server_program()?)?;
    let own = [
        "up",
        "--http",
        "127.0.0.1:0",
        "--nats-server",
        nats_server.to_str().context("a path of ours")?,
    ];
    let up = program.start(&[&own[..], more].concat())?;
    let site = Site::new(up.first_line()?);
    site.until_ready().await?;
    Ok((up, site))
}

/// Waits until the list of builders says why the builder can't build; its words.
async fn problem(site: &Site) -> anyhow::Result<String> {
    wait_until("the builder to say what is missing", SOON, async || {
        let answer = site.json("/api/builders").await?;
        Ok(answer["builders"][0]["problem"].as_str().map(str::to_owned))
    })
    .await
}

#[tokio::test]
async fn without_go_the_site_runs_and_a_go_that_comes_later_is_used() -> anyhow::Result<()> {
    let go = StubGo::new()?;
    let away = go.folder().join("away");
    fs::rename(go.program(), &away)?;
    let words = [
        "--go",
        go.program().to_str().context("a path of ours")?,
        "--sandbox-allow",
        go.folder().to_str().context("a path of ours")?,
    ]
    .map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (mut up, site) = up(&program(), &words).await?;
    let told = problem(&site).await?;
    assert!(told.contains(words[1]), "{told}");

    let id = site.asked(&a_request(&["nats"])).await?;
    let view = site.json(&format!("/api/builds/{id}")).await?;
    assert_eq!(view["status"], "new");
    assert_eq!(view["queue"]["builders"], 0);

    fs::rename(&away, go.program())?;
    site.until(&id, "success", SOON).await?;
    let answer = site.json("/api/builders").await?;
    assert_eq!(answer["builders"].as_array().map(Vec::len), Some(1));
    assert!(answer["builders"][0]["problem"].is_null(), "{answer}");
    up.terminate()?;
    assert!(up.ended(SOON)?.success());
    Ok(())
}

#[tokio::test]
async fn a_go_that_isnt_found_or_cant_be_used_is_told() -> anyhow::Result<()> {
    // Go is searched on a path that has the other programs, and no Go; and no proxy is named to fetch it from.
    let without = program().env("PATH", "/usr/bin:/bin").env("GOPROXY", "");
    let misled = program().env("GOROOT", "/nowhere");
    let needs = "there is no `go` in PATH, and no module proxy is named to fetch Go from";
    for (program, words) in [(without, needs), (misled, "/nowhere")] {
        let (mut up, site) = up(&program, &[]).await?;
        let told = problem(&site).await?;
        assert!(told.contains(words), "{told}");
        let id = site.asked(&a_request(&["nats"])).await?;
        let view = site.json(&format!("/api/builds/{id}")).await?;
        assert_eq!(view["status"], "new", "{words}");
        up.terminate()?;
        assert!(up.ended(SOON)?.success(), "{words}");
    }
    Ok(())
}

#[tokio::test]
async fn an_old_go_is_told_and_builds_nothing() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("wombat-go-")?;
    let old = r#"echo '{"GOPROXY":"http://127.0.0.1:9","GOSUMDB":"off","GOVERSION":"go1.19.8","GOHOSTOS":"linux","GOHOSTARCH":"amd64"}'"#;
    let go = script(folder.path(), "go", old)?;
    let (_up, site) = up(
        &program(),
        &["--go", go.to_str().context("a path of ours")?],
    )
    .await?;
    let told = problem(&site).await?;
    assert!(told.contains("1.19.8") && told.contains("1.26"), "{told}");
    let id = site.asked(&a_request(&["nats"])).await?;
    let view = site.json(&format!("/api/builds/{id}")).await?;
    assert_eq!(view["status"], "new");
    Ok(())
}

#[tokio::test]
async fn a_go_that_hangs_is_told_and_doesnt_hold_the_end_up() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("wombat-go-")?;
    let sleeper = folder.path().join("sleeper");
    fs::copy("/bin/sleep", &sleeper)?;
    let go = script(folder.path(), "go", &format!("{} 3600", sleeper.display()))?;
    let words = ["--go", go.to_str().context("a path of ours")?];
    let (mut stopped, site) = up(&program(), &words).await?;
    let sleeps = || {
        let name = sleeper.display().to_string();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut lines = processes.filter_map(|it| fs::read(it.path().join("cmdline")).ok());
        lines.any(|line| line.starts_with(name.as_bytes()))
    };
    wait_until("it to be asked", SOON, async || Ok(sleeps().then_some(()))).await?;
    stopped.terminate()?;
    assert!(stopped.ended(AT_ONCE)?.success());
    wait_until("nothing of it to be left", SOON, async || {
        Ok((!sleeps()).then_some(()))
    })
    .await?;
    drop(site);

    let (_up, site) = up(&program(), &words).await?;
    let told = problem(&site).await?;
    assert!(told.contains("didn't answer"), "{told}");
    Ok(())
}

/// As in a release's archive.
#[tokio::test]
async fn a_nats_server_beside_the_program_is_used() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("wombat-release-")?;
    for (name, from) in [
        ("wombat", env!("CARGO_BIN_EXE_wombat").into()),
        ("nats-server", nats_server_program()?),
    ] {
        install(&from, &folder.path().join(name))?;
    }
    let program = Program::at(folder.path().join("wombat"))
        .env("PATH", "/nowhere")
        .env("GOPROXY", "");
    let mut up = program.start(&["up", "--http", "127.0.0.1:0"])?;
    let site = Site::new(up.first_line()?);
    site.until_ready().await?;
    let told = problem(&site).await?;
    assert!(told.contains("there is no `go` in PATH"), "{told}");
    up.terminate()?;
    assert!(up.ended(SOON)?.success());
    Ok(())
}

/// What a release's README promises: nothing is installed, and a build succeeds. The Go is a real one.
#[tokio::test(flavor = "multi_thread")]
async fn without_go_up_fetches_one_and_builds() -> anyhow::Result<()> {
    let proxy = ModuleProxy::start().await?;
    proxy.fail("golang.org/toolchain", ProxyFault::Hang);
    let program = program()
        .env("PATH", "/usr/bin:/bin")
        .env("GOPROXY", &proxy.url());
    let (mut up, site) = up(&program, &["--goproxy-patience", "5s"]).await?;
    let told = problem(&site).await?;
    assert!(told.starts_with("fetching Go 1."), "{told}");
    let body =
        json!({"goos": "linux", "goarch": "amd64", "components": ["mapping"], "base": "pure"});
    let id = site.asked(&body).await?;
    proxy.heal("golang.org/toolchain");
    let view = site.until(&id, "success", COLD).await?;
    let fleet = site.json("/api/builders").await?;
    assert_eq!(fleet["builders"][0]["go"], view["goversion"], "{fleet}");
    assert!(fleet["builders"][0]["problem"].is_null(), "{fleet}");
    up.terminate()?;
    assert!(up.ended(SOON)?.success());
    Ok(())
}

#[test]
fn with_neither_go_nor_nats_server_up_ends_with_one_sentence() -> anyhow::Result<()> {
    let program = program().env("PATH", "/nowhere");
    let mut up = program.start(&["up", "--http", "127.0.0.1:0"])?;
    assert_eq!(up.ended(AT_ONCE)?.code(), Some(1));
    let said = up.log_text();
    assert!(
        said.contains("error: neither nats-server nor Go is installed"),
        "{said}"
    );
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    Ok(())
}

#[test]
fn a_builder_of_its_own_ends_with_one_sentence_on_its_go() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let url = nats.url();
    for (go, words) in [
        ("/nowhere/go", "`/nowhere/go` can't be used"),
        ("/bin/true", "`/bin/true` can't be used"),
    ] {
        let mut builder = program().start(&["builder", "--nats-url", &url, "--go", go])?;
        assert_eq!(builder.ended(AT_ONCE)?.code(), Some(1), "{go}");
        let said = builder.log_text();
        assert!(said.contains(words), "{said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
    }
    Ok(())
}

#[test]
fn who_holds_a_port_is_told_and_how_to_take_another() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let mut api = program().start(&["api", "--nats-url", &nats.url(), "--http", &address])?;
    assert_eq!(api.ended(AT_ONCE)?.code(), Some(1));
    let said = api.log_text();
    let us = format!("(process {})", std::process::id());
    assert!(
        said.contains(&us) && said.contains("--http") && said.contains(&address),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_nats_server_that_doesnt_start_is_told_at_once_in_its_own_words() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("wombat-bad-nats-")?;
    let version = |version: &str, rest: &str| {
        format!("[ \"$1\" = --version ] && {{ echo 'nats-server: v{version}'; exit 0; }}\n{rest}")
    };
    let bad = version(
        "2.15.2",
        "echo 'nats-server: a setting is wrong' >&2\nexit 1",
    );
    let cases = [
        (bad, "nats-server: a setting is wrong"),
        (version("2.9.25", "exit 1"), "2.11 or newer"),
        ("exit 3".to_owned(), "isn't a nats-server that runs here"),
    ];
    for (index, (text, words)) in cases.iter().enumerate() {
        let program_path = script(folder.path(), &format!("nats-server-{index}"), text)?;
        let started = Instant::now();
        let mut up = program().start(&[
            "up",
            "--http",
            "127.0.0.1:0",
            "--nats-server",
            program_path.to_str().context("a path of ours")?,
        ])?;
        assert_eq!(up.ended(AT_ONCE)?.code(), Some(1), "{words}");
        let said = up.log_text();
        println!("{index}: {:?}", started.elapsed());
        assert!(said.contains(words), "{words:?} isn't in: {said}");
        assert!(!said.contains("nats.log"), "a log that isn't there: {said}");
    }
    Ok(())
}
