//! Malicious modules, built by real Go: they reach nothing that is secret, and they end with a clear message.

mod cases;
mod connections;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use wombat_testkit::artifact_path;

use crate::proxy_scene::{COLD, Scene, known, request};
use cases::{Case, module};

/// Longest build of an evil module here.
const TIME_LIMIT: Duration = Duration::from_secs(40);
const MEMORY_LIMIT: &str = "1GiB";
const MODULE: &str = "evil.example/m";

impl Scene {
    /// Whether any file that the builder keeps contains this text.
    fn keeps(&self, text: &str) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut folders = vec![self.state()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if contains(&fs::read(entry.path())?, text) {
                    found.push(entry.path());
                }
            }
        }
        Ok(found)
    }

    fn nothing_is_left(&self) -> anyhow::Result<()> {
        let jobs = fs::read_dir(self.state().join("builder/jobs"))?.count();
        ensure!(jobs == 0, "{jobs} folders are left");
        let running = running_below(self.folder.path())?;
        ensure!(running.is_empty(), "{running:?} are left");
        Ok(())
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

/// Command lines of the compilers that work below a folder.
fn running_below(folder: &Path) -> anyhow::Result<Vec<String>> {
    let jobs = folder.join("state/builder/jobs").display().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if contains(&line, &jobs) {
            found.push(String::from_utf8_lossy(&line).into_owned());
        }
    }
    Ok(found)
}

fn version(n: usize) -> String {
    format!("v1.0.{n}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_modules_are_after_never_gets_out() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    // The shared packages are compiled without time limits, once for this machine.
    let builder = scene.builder(&[]).await?;
    let id = scene.site.asked(&known()).await?;
    let first = scene.site.until(&id, "success", COLD).await?;
    assert!(
        ["landlock", "namespaces"].contains(&first["sandbox"].as_str().unwrap_or_default()),
        "{first}"
    );
    drop(builder);

    let canary = canary()?;
    let place = TempDir::with_prefix("wombat-canary-")?;
    let secret = place.path().join("secret");
    fs::write(&secret, format!("{canary}\n"))?;
    let fifo = place.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    let limit = format!("{}s", TIME_LIMIT.as_secs());
    let builder = scene
        .builder(&[
            "--build-time-limit",
            &limit,
            "--build-memory-limit",
            MEMORY_LIMIT,
        ])
        .await?;

    let cases = cases::all(&place.path().join("secret"), &fifo, builder.id());
    for case in &cases {
        judge(&scene, case, &canary).await?;
    }
    let kept = scene.keeps(&canary)?;
    assert!(kept.is_empty(), "{kept:?}");
    drop(builder);
    Ok(())
}

/// Builds one, and checks all of its outputs.
async fn judge(scene: &Scene, case: &Case, canary: &str) -> anyhow::Result<()> {
    let (view, took) = scene.build(&case.module).await?;
    let name = case.name;
    let log = scene.log(&view).await?;
    eprintln!("{name}: {took:?} {} {}", view["status"], view["error"]);
    match case.classes {
        [] => assert_eq!(view["status"], "success", "{name}: {view}"),
        classes => {
            let class = view["failure"]["class"].as_str().unwrap_or_default();
            assert!(classes.contains(&class), "{name}: {view}");
        }
    }
    let error = view["error"].as_str().unwrap_or_default();
    assert!(error.contains(case.words), "{name}: {view}");
    assert!(
        took < TIME_LIMIT + Duration::from_secs(2),
        "{name}: {took:?}"
    );
    assert!(!contains(log.as_bytes(), canary), "{name}: {log}");
    assert!(!log.contains("GOCACHEPROG="), "{name}: {log}");
    assert!(!log.contains("PRETTY_NAME"), "{name}: {log}");
    assert!(!view.to_string().contains(canary), "{name}: {view}");
    if view["status"] == "success" {
        let id = view["id"].as_str().context("an id")?;
        let binary = scene.site.get(&artifact_path(id)).await?.bytes().await?;
        assert!(!contains(&binary, canary), "{name}");
    }
    scene.nothing_is_left().with_context(|| name.to_owned())?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_of_a_greedy_build_go_on() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let builder = scene.builder(&[]).await?;
    scene.rebuild().await?;
    let evil = module(0).with_packages(10_000);
    scene.proxy.serve(&evil)?;
    let id = scene.site.asked(&request(&evil)).await?;
    scene.site.until(&id, "building", COLD).await?;
    for _ in 0..3 {
        scene.rebuild().await?;
    }
    let view = scene.site.json(&format!("/api/builds/{id}")).await?;
    assert_eq!(view["status"], "building", "it was there all the time");
    drop(builder);
    Ok(())
}

/// A word that is nowhere else.
fn canary() -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(format!("canary{}x{}", std::process::id(), now.as_nanos()))
}
