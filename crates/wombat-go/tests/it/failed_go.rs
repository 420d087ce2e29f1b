//! A fetch of Go that fails, is stopped or killed: it says why, and leaves nothing that counts as a Go.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use tokio::time::timeout;
use wombat_go::{GoFetchError, GoSettings, SettingsError};
use wombat_testkit::{Damage, ProxyFault};

use crate::go_scene::{Scene, is_executable, noise, version};

/// The error of a fetch.
fn failure(result: Result<GoSettings, SettingsError>) -> GoFetchError {
    match result {
        Err(SettingsError::NotFetched(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_fails_says_why_and_leaves_nothing() {
    let mut scene = Scene::new().await;
    let release = scene.release("1.26.11").file("pkg/filler", noise(200_000));
    scene.serve(&release);
    let archive = format!("golang.org/toolchain/@v/{}.zip", release.version());
    let whole = release.zip().unwrap();
    let other = scene.release("1.26.11").file("VERSION", "another").zip();

    // The proxy fails.
    let faults = [
        (
            ProxyFault::Status(404),
            "refuses Go 1.26.11 (404 Not Found)",
        ),
        (ProxyFault::Status(410), "refuses Go 1.26.11 (410 Gone)"),
        (
            ProxyFault::Status(403),
            "refuses Go 1.26.11 (403 Forbidden)",
        ),
        (
            ProxyFault::Status(503),
            "the module proxy failed: it answered 503",
        ),
        (
            ProxyFault::Cut,
            "Go 1.26.11 can't be fetched, because the module proxy failed: ",
        ),
        (
            ProxyFault::Hang,
            "Go 1.26.11 can't be fetched, because the module proxy failed: it",
        ),
    ];
    for (fault, words) in faults {
        scene.proxy.fail(".zip", fault);
        let said = failure(scene.discover().await).to_string();
        assert!(said.contains(words), "{fault:?}: {said}");
        assert_eq!(scene.left("1.26.11"), Vec::<PathBuf>::new(), "{fault:?}");
        scene.proxy.heal(".zip");
    }

    // It answers with other bytes.
    let mut cut = whole.clone();
    cut.truncate(whole.len() / 2);
    let answers = [
        (
            other.unwrap(),
            "Security: Go 1.26.11 from the module proxy doesn't match its checksum",
        ),
        (cut, "the module proxy failed: the archive is cut off"),
        (
            b"<html>".to_vec(),
            "the module proxy failed: the archive is cut off",
        ),
        (
            // The end of an archive without the rest.
            whole[whole.len() - 100..].to_vec(),
            "the module proxy's archive of Go 1.26.11 can't be used",
        ),
    ];
    for (bytes, words) in answers {
        scene.proxy.replace(&archive, bytes);
        let said = failure(scene.discover().await).to_string();
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(scene.left("1.26.11"), Vec::<PathBuf>::new(), "{words}");
    }
    scene.proxy.replace(&archive, whole);
    assert_eq!(scene.discover().await.unwrap().version, version("1.26.11"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_in_one_sentence() {
    let mut scene = Scene::new().await;
    assert!(matches!(
        failure(scene.discover().await),
        GoFetchError::NoRelease(_)
    ));
    scene.serve(&scene.release("1.26.11"));
    let mut options = scene.options();
    for (proxy, words) in [
        ("off", "switched off"),
        ("direct", "`direct` isn't"),
        ("file:///nowhere", "refuses Go 1.26.11 (404 Not Found)"),
    ] {
        options.goproxy = Some(proxy.to_owned());
        let said = failure(scene.discover_with(&options).await.0).to_string();
        assert!(said.contains(words) && !said.contains('\n'), "{said}");
    }
    let nowhere = scene.modules();
    fs::remove_dir_all(&nowhere).unwrap();
    fs::write(&nowhere, "a file in its place").unwrap();
    let said = failure(scene.discover().await).to_string();
    assert!(said.contains("can't store Go 1.26.11 in"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_or_killed_builder_left_is_replaced() {
    let mut scene = Scene::new().await;
    let release = scene.release("1.26.11");
    scene.serve(&release);
    scene.proxy.fail(".zip", ProxyFault::Hang);
    let stopped = timeout(Duration::from_millis(500), scene.discover()).await;
    assert!(stopped.is_err(), "it hangs");
    assert!(scene.left("1.26.11").is_empty());
    scene.proxy.heal(".zip");

    // As after SIGKILL: a download, and a folder that is half unpacked.
    let root = scene.modules().join("golang.org");
    let downloads = scene
        .modules()
        .join("cache/download/golang.org/toolchain/@v");
    fs::create_dir_all(root.join(format!("toolchain@{}.tmp/bin", release.version()))).unwrap();
    fs::write(
        downloads.join(format!("{}.zip.tmp", release.version())),
        "half",
    )
    .unwrap();
    scene.discover().await.unwrap();
    assert_eq!(
        scene.left("1.26.11").len(),
        2,
        "{:?}",
        scene.left("1.26.11")
    );

    // A crash of the machine damages files that were written.
    let folder = root.join(format!("toolchain@{}", release.version()));
    for (file, turn) in [("bin/go", 0), ("pkg/tool/linux_amd64/compile", 1)] {
        for damage in Damage::of_turn(turn) {
            damage.of(&folder.join(file));
            let settings = scene.discover().await;
            assert!(settings.is_ok(), "{file} {damage:?}: {settings:?}");
        }
    }
    let mode = fs::Permissions::from_mode(0o644);
    fs::set_permissions(folder.join("bin/go"), mode).unwrap();
    scene.discover().await.unwrap();
    assert!(is_executable(&folder.join("bin/go")));
    fs::remove_file(downloads.join(format!("{}.ziphash", release.version()))).unwrap();
    scene.discover().await.unwrap();
}
