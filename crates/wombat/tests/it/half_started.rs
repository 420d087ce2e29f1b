//! Files that a start relies on, each damaged in every way that a crash damages files: the next start succeeds.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use wombat_model::Status;
use wombat_testkit::{
    Damage, ModuleProxy, NatsServer, StubGo, TestModule, Wombat, a_spec, wait_until,
};

use crate::{builder_scene, program, proxy_scene::COLD};

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_starts_on_a_damaged_note_of_its_owner_and_a_damaged_format() -> anyhow::Result<()>
{
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let (state, go) = (TempDir::new()?, StubGo::new()?);
    let start = async || start_and_kill(&nats, state.path(), &go, &[]).await;
    start().await?;
    for file in ["format-version", "builder/owner"] {
        for damage in Damage::ALL {
            damage.of(&state.path().join(file));
            start()
                .await
                .with_context(|| format!("{file}, {damage:?}"))?;
        }
    }
    assert_eq!(
        fs::read_to_string(state.path().join("format-version"))?,
        "1\n"
    );
    Ok(())
}

/// Starts a builder with a stub `go`, and kills it once it has started.
async fn start_and_kill(
    nats: &NatsServer,
    state: &Path,
    go: &StubGo,
    extra: &[&str],
) -> anyhow::Result<()> {
    let (url, path, folder) = (
        nats.url(),
        go.program().display().to_string(),
        go.folder().display().to_string(),
    );
    let words = [
        "builder",
        "--nats-url",
        &url,
        "--warm",
        "off",
        "--go",
        &path,
    ];
    let words = [&words[..], &["--sandbox-allow", &folder], extra].concat();
    let before = log(state).matches("builder started").count();
    let mut builder = program().start_in(state, &words)?;
    wait_until("the builder to start", COLD, async || {
        ensure!(!builder.has_ended()?, "it ended: {}", builder.log_text());
        let starts = builder.log_text().matches("builder started").count();
        Ok((starts > before).then_some(()))
    })
    .await?;
    builder.kill()
}

fn log(state: &Path) -> String {
    fs::read_to_string(state.join("builder.log")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_is_noted() {
    let scene = builder_scene::Scene::new().await;
    let state = TempDir::new().unwrap();
    let note = || fs::read_to_string(state.path().join("builder/owner")).unwrap();
    let builder = scene.builder(state.path(), &[]).await;
    scene.until_present(1).await;
    assert!(note().contains("\"clean\":false"), "{}", note());
    let spec = a_spec().build();
    let key = scene.submit(&spec).await;
    scene.until(&key, Status::Success).await;
    builder.stopped().await;
    assert!(note().contains("\"clean\":true"), "{}", note());
}

/// The machine went down under a builder: the note is of an earlier start, and a module has changed since it was
/// unpacked.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_failure_every_module_is_looked_at() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let proxy = ModuleProxy::start().await?;
    let module = TestModule::new("power.example/m", "v1.2.3").file("p/p.go", "package p\n");
    proxy.serve(&module)?;
    let (folder, go) = (TempDir::new()?, StubGo::new()?);
    let (state, modules) = (folder.path().join("state"), folder.path().join("modules"));
    fs::create_dir(&state)?;
    let downloaded = Command::new("go")
        .args(["mod", "download", "power.example/m@v1.2.3"])
        .current_dir(folder.path())
        .env("GOMODCACHE", &modules)
        .env("GOPROXY", proxy.url())
        .env("GOSUMDB", "off")
        .status()?;
    ensure!(downloaded.success(), "{downloaded}");

    let words = [
        "--module-cache",
        modules.to_str().context("a path of ours")?,
    ];
    start_and_kill(&nats, &state, &go, &words).await?;
    let owner = state.join("builder/owner");
    let mut note: serde_json::Value = serde_json::from_slice(&fs::read(&owner)?)?;
    note["boot"] = "of an earlier day".into();
    fs::write(&owner, note.to_string())?;
    let file = modules.join("power.example/m@v1.2.3/p/p.go");
    Damage::Zeros.of(&file);

    start_and_kill(&nats, &state, &go, &words).await?;
    let log = log(&state);
    let looked = log
        .lines()
        .find(|line| line.contains("verified every module"));
    let looked = looked.with_context(|| log.clone())?;
    assert!(looked.contains("damaged=1"), "{looked}");
    assert!(!file.exists());
    Ok(())
}

/// Go rebuilds the server from its cache, which takes seconds.
#[tokio::test(flavor = "multi_thread")]
async fn up_starts_on_a_damaged_nats_server() -> anyhow::Result<()> {
    let state = TempDir::new()?;
    let path = std::env::var_os("PATH").context("a search path")?;
    let without =
        std::env::split_paths(&path).filter(|folder| !folder.join("nats-server").exists());
    let path = std::env::join_paths(without)?;
    let program = program().env("PATH", path.to_str().context("a path of text")?);
    let start = async || -> anyhow::Result<()> {
        let mut up = program.start_in(state.path(), &["up", "--http", "127.0.0.1:0"])?;
        let runs = |up: &Wombat| up.log_text().matches("nats-server runs").count();
        let before = runs(&up);
        wait_until("nats-server to run", COLD, async || {
            ensure!(!up.has_ended()?, "it ended: {}", up.log_text());
            Ok((runs(&up) > before).then_some(()))
        })
        .await?;
        up.signal(Signal::SIGTERM)?;
        up.ended(COLD)?;
        Ok(())
    };
    start().await?;
    let bin = fs::read_dir(state.path().join("bin"))?.flatten();
    let server = bin.map(|entry| entry.path()).find(|path| path.is_file());
    let server = server.context("a nats-server was built")?;
    for damage in Damage::ALL {
        damage.of(&server);
        start().await.with_context(|| format!("{damage:?}"))?;
    }
    Ok(())
}
