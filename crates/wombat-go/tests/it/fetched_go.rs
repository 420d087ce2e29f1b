//! A builder whose machine has no Go: what it fetches, and what becomes of that.

use std::{
    fs::{self, File},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;
use wombat_go::{Workshop, report::Reporter};
use wombat_model::catalog::Licence;
use wombat_testkit::{ProxyFault, a_spec};

use crate::{
    go_scene::{Scene, is_executable, noise, version},
    half_scene::scope,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_go_gets_one_and_keeps_it() {
    let mut scene = Scene::new().await;
    for release in ["1.26.8", "1.27.4"] {
        scene.serve(&scene.release(release));
    }
    scene.serve(
        &scene
            .release("1.26.11")
            .file("pkg/filler", noise(1_600_000)),
    );
    let (settings, told) = scene.discover_with(&scene.options()).await;
    let settings = settings.unwrap();
    assert_eq!(
        settings.version,
        version("1.26.11"),
        "the newest of the line"
    );
    let root = scene
        .modules()
        .join("golang.org/toolchain@v0.0.1-go1.26.11.linux-amd64");
    assert_eq!(settings.program, root.join("bin/go"));
    assert!(is_executable(&root.join("pkg/tool/linux_amd64/compile")));
    assert!(!is_executable(&root.join("VERSION")));
    assert!(root.join("src/go.mod").is_file());
    // Who watches sees the latest, which may hide one before it.
    let of_all =
        |line: &String| line.starts_with("fetching Go 1.26.11, ") && line.ends_with(" of 2 MB");
    assert!(told.iter().any(of_all), "{told:?}");
    assert!(
        told.contains(&"unpacking Go 1.26.11".to_owned()),
        "{told:?}"
    );
    assert_eq!(
        scene.left("1.26.11").len(),
        2,
        "the folder and its checksum"
    );

    // The next start takes it from the disk, without a proxy too.
    let mut offline = scene.options();
    offline.relay.offline = true;
    for options in [scene.options(), offline] {
        let (settings, told) = scene.discover_with(&options).await;
        assert_eq!(settings.unwrap().version, version("1.26.11"));
        assert!(told.is_empty(), "{told:?}");
    }
    assert_eq!(scene.requests("1.26.11"), 1);
    let before = scene.options();
    let before = before.fetched_before(&scene.state(), &scene.offer).await;
    assert_eq!(before, Some(version("1.26.11")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installed_go_is_used_and_nothing_is_fetched() {
    let mut scene = Scene::new().await;
    scene.serve(&scene.release("1.26.11"));
    let options = wombat_go::GoOptions {
        search_path: Some(scene.stub.folder().into()),
        ..scene.options()
    };
    let (settings, told) = scene.discover_with(&options).await;
    assert_eq!(settings.unwrap().version, version("1.26.8"));
    assert!(told.is_empty() && scene.proxy.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_builders_at_once_fetch_it_once() {
    let mut scene = Scene::new().await;
    scene.serve(
        &scene
            .release("1.26.11")
            .file("pkg/filler", noise(3_000_000)),
    );
    let mut options = scene.options();
    options.module_cache = Some(scene.modules());
    let (one, other) = tokio::join!(scene.discover_with(&options), scene.discover_with(&options));
    for (settings, _) in [&one, &other] {
        assert_eq!(settings.as_ref().unwrap().version, version("1.26.11"));
    }
    assert_eq!(scene.requests("1.26.11"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_fetches_it_is_waited_for() {
    let mut scene = Scene::new().await;
    let release = scene.release("1.26.11");
    scene.serve(&release);
    let downloads = scene
        .modules()
        .join("cache/download/golang.org/toolchain/@v");
    fs::create_dir_all(&downloads).unwrap();
    let lock = File::create(downloads.join(format!("{}.lock", release.version()))).unwrap();
    lock.lock().unwrap();
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(scene.requests("1.26.11"), 0);
        drop(lock);
    };
    let options = scene.options();
    let ((settings, told), ()) = tokio::join!(scene.discover_with(&options), unlock);
    settings.unwrap();
    assert_eq!(told[0], "another process is fetching Go 1.26.11");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_one_does_if_the_newest_cant_be_fetched() {
    let mut scene = Scene::new().await;
    scene.serve(&scene.release("1.26.11"));
    scene.discover().await.unwrap();
    scene.serve(&scene.release("1.26.12"));
    scene.proxy.fail("go1.26.12", ProxyFault::Status(403));
    assert_eq!(scene.discover().await.unwrap().version, version("1.26.11"));
    scene.proxy.heal("go1.26.12");
    assert_eq!(scene.discover().await.unwrap().version, version("1.26.12"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_builds_and_is_neither_trimmed_nor_missed() {
    let mut scene = Scene::new().await;
    scene.serve(&scene.release("1.26.11"));
    let settings = scene.discover().await.unwrap();
    let program = settings.program.clone();
    let workshop = Workshop::new(settings, &scene.state().join("builder"), Licence::Community)
        .await
        .unwrap();
    let build = async |go: &str| {
        let (reporter, _reports) = Reporter::new();
        let scope = scope(&CancellationToken::new(), reporter);
        workshop.build(&a_spec().go(go).build(), &scope).await
    };
    build("1.26.11").await.unwrap();
    // With it, others are fetched as with an installed one.
    build("1.26.8").await.unwrap();

    let trimmer = Arc::new(workshop.module_trimmer(0));
    let later = SystemTime::now() + Duration::from_hours(2);
    let trim = move || trimmer.trim(later, &CancellationToken::new());
    tokio::task::spawn_blocking(trim).await.unwrap().unwrap();
    assert!(program.is_file());
    assert!(
        !scene
            .modules()
            .join("golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64")
            .exists()
    );

    fs::remove_file(&program).unwrap();
    build("1.26.11").await.unwrap();
    assert!(is_executable(&program));
}

/// A real release, by its real checksum, from the machine's module proxy.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_go_is_fetched_and_runs() {
    let mut scene = Scene::new().await;
    let sum = "h1:KyINmJ/FQdKRmDYGuTAAXkumyeR2DyUlSNHZj7XaLFg=";
    let (go, platform) = (version("1.26.11"), "linux/amd64".parse().unwrap());
    scene.offer.releases.add(go, platform, sum.parse().unwrap());
    let settings = scene.discover().await.unwrap();
    assert_eq!(settings.version, go);
    assert_eq!(
        settings.goroot,
        settings.program.ancestors().nth(2).unwrap()
    );
    // `go` itself takes what was fetched, and only asks the checksum database about it.
    let program = scene.folder.path().join("main.go");
    fs::write(
        &program,
        "package main\n\nfunc main() { println(\"runs\") }\n",
    )
    .unwrap();
    let output = std::process::Command::new("go")
        .args(["run", "main.go"])
        .current_dir(scene.folder.path())
        .env("GOTOOLCHAIN", "go1.26.11")
        .env("GOMODCACHE", scene.modules())
        .env("GOPROXY", scene.proxy.url())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "runs\n");
    assert_eq!(scene.requests("1.26.11"), 1);
}
