//! `go` killed while it writes, at a random moment: the next build succeeds. `make kill-files` does it more often.

use std::{fs, path::Path};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio_util::sync::CancellationToken;
use wombat_model::BuildSpec;

use crate::half_scene::{Scene, failing_spec, own_spec};

/// How often each is killed; `WOMBAT_TEST_KILLS` sets another number for the first, and half of it for the second.
const KILLS: usize = 1;
/// Every Go release has more files.
const FILES_OF_GO: usize = 10_000;

fn kills() -> usize {
    let said = std::env::var("WOMBAT_TEST_KILLS").ok();
    said.map_or(KILLS, |count| count.parse().unwrap())
}

/// Builds until there are this many files, and then kills every `go`. `false` if the build ended before.
async fn killed_at(
    scene: &Scene,
    spec: &BuildSpec,
    count: impl Fn() -> usize,
    limit: usize,
) -> bool {
    let stop = CancellationToken::new();
    let mut build = std::pin::pin!(scene.build_until(spec, &stop));
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
    loop {
        tokio::select! {
            _ = &mut build => return false,
            _ = ticks.tick() => if count() >= limit {
                kill_go(&scene.modules());
                // And its builder with it.
                stop.cancel();
                drop(build.await);
                return true;
            }
        }
    }
}

/// Kills every process that works on this module cache.
fn kill_go(modules: &Path) {
    let variable = format!("GOMODCACHE={}", modules.display());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|word| word == variable.as_bytes())
        {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

fn count_below(folder: &Path, ending: &str) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => count_below(&entry.path(), ending),
            Ok(_) => usize::from(entry.file_name().to_string_lossy().ends_with(ending)),
            Err(_) => 0,
        })
        .sum()
}

fn forget(modules: &Path) {
    let status = std::process::Command::new("go")
        .args(["clean", "-modcache"])
        .env("GOMODCACHE", modules)
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn go_is_killed_while_it_fetches_modules() {
    let scene = Scene::new().await;
    let spec = own_spec("p");
    scene.build(&spec).await.succeeds("with nothing there");
    let downloads = scene.modules().join("cache/download");
    let zips = || count_below(&downloads, ".zip");
    let all = zips();
    let mut times = 0;
    while times < kills() {
        forget(&scene.modules());
        let moment = fastrand::usize(1..all);
        if killed_at(&scene, &spec, zips, moment).await {
            times += 1;
            let what = format!("killed with {moment} of {all} archives");
            scene.build(&spec).await.succeeds(&what);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn go_is_killed_while_it_unpacks_another_go() {
    let scene = Scene::checked().await;
    let spec = failing_spec("1.26.7");
    let runs = async |what: &str| {
        scene.build(&spec).await.lacks_package(what);
    };
    let toolchains = scene.modules().join("golang.org");
    let files = || count_below(&toolchains, "");
    let path = "golang.org/toolchain/@v/v0.0.1-go1.26.7.linux-amd64.zip";
    let archive = scene.modules().join("cache/download").join(path);
    let mut times = 0;
    while times < kills().div_ceil(2) {
        forget(&scene.modules());
        let moment = fastrand::usize(1..FILES_OF_GO);
        if killed_at(&scene, &spec, files, moment).await {
            times += 1;
            runs(&format!("killed with {moment} files")).await;
            // Downloading it once is enough.
            scene.proxy.replace(path, fs::read(&archive).unwrap());
        }
    }
}
