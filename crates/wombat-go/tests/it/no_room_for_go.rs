//! A disk that has no room for Go. The test runs itself again, with a small disk of its own.

use std::{path::Path, process::Command};

use nix::unistd::Uid;
use wombat_go::{GoFetchError, SettingsError};

use crate::go_scene::{Scene, noise, version};

/// Set in the process that has the small disk; its folder.
const DISK: &str = "WOMBAT_TEST_SMALL_DISK";
const MIB: usize = 1 << 20;

#[test]
fn a_full_disk_is_told_and_nothing_is_left_on_it() {
    if let Some(disk) = std::env::var_os(DISK) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(on_a_small_disk(Path::new(&disk)));
    }
    let disk = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    if Uid::current().is_root() {
        command.arg("--mount");
    } else {
        command.args(["--map-root-user", "--mount"]);
    }
    let script = "mount -t tmpfs -o size=4M none \"$1\" && shift && exec \"$@\"";
    let output = command
        .args(["sh", "-c", script, "sh"])
        .arg(disk.path())
        .arg(std::env::current_exe().unwrap())
        .args([
            "no_room_for_go::a_full_disk_is_told_and_nothing_is_left_on_it",
            "--exact",
        ])
        .env(DISK, disk.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

async fn on_a_small_disk(disk: &Path) {
    let mut scene = Scene::new().await;
    let mut options = scene.options();
    options.module_cache = Some(disk.join("modules"));
    for (release, bytes, what) in [
        ("1.26.12", 6 * MIB, "the archive has no room"),
        ("1.26.13", 3 * MIB, "the unpacked files have no room"),
    ] {
        scene.serve(&scene.release(release).file("pkg/filler", noise(bytes)));
        match scene.discover_with(&options).await.0 {
            Err(SettingsError::NotFetched(error @ GoFetchError::Full { .. })) => {
                let said = error.to_string();
                assert!(
                    said.contains(&format!("no room for Go {release}")),
                    "{said}"
                );
                assert!(said.contains("--module-cache"), "{said}");
            }
            other => panic!("{what}: {other:?}"),
        }
        let used = nix::sys::statvfs::statvfs(disk).unwrap();
        let free = used.blocks_available() * used.fragment_size();
        assert!(
            usize::try_from(free).unwrap() > 3 * MIB,
            "{what}: {free} bytes are free"
        );
    }
    scene.serve(&scene.release("1.26.14").file("pkg/filler", noise(MIB)));
    let (settings, _) = scene.discover_with(&options).await;
    assert_eq!(settings.unwrap().version, version("1.26.14"));
}
