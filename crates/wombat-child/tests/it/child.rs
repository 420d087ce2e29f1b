//! The helper: nothing that it starts outlives it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::sync::oneshot;
use wombat_child::{ChildCommand, Ending, Output};
use wombat_testkit::{install, wait_until};

use crate::support::{helper, running};

/// A folder with a `sleep` of its own, so that its processes can be told from all others.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::with_prefix("wombat-child-").unwrap();
        install(Path::new("/bin/sleep"), &folder.path().join("sleeper")).unwrap();
        Self { folder }
    }

    fn shell(&self, script: &str) -> ChildCommand {
        let script = script.replace(
            "SLEEPER",
            &self.folder.path().join("sleeper").display().to_string(),
        );
        ChildCommand::new(helper(), Path::new("/bin/sh"), self.folder.path())
            .args(["-c", &script])
            .envs([("PATH", "/usr/bin:/bin")])
    }

    fn sleepers(&self) -> usize {
        running(&self.folder.path().join("sleeper"))
    }
}

async fn run_to_end(command: ChildCommand) -> (Ending<()>, String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let ending = command
        .spawn()
        .unwrap()
        .run(std::future::pending(), |source, bytes| match source {
            Output::Stdout => stdout.extend_from_slice(bytes),
            Output::Stderr => stderr.extend_from_slice(bytes),
        })
        .await
        .unwrap();
    (
        ending,
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// Runs the command until it prints "ready", then stops it.
async fn stop_when_ready(command: ChildCommand) -> Ending<()> {
    let (sender, ready) = oneshot::channel();
    let mut sender = Some(sender);
    let mut said = Vec::new();
    let stop = async {
        ready.await.unwrap();
    };
    let on_output = |_, bytes: &[u8]| {
        said.extend_from_slice(bytes);
        if said.ends_with(b"ready\n")
            && let Some(sender) = sender.take()
        {
            sender.send(()).unwrap();
        }
    };
    command.spawn().unwrap().run(stop, on_output).await.unwrap()
}

#[tokio::test]
async fn passes_on_status_output_and_no_environment() {
    let scene = Scene::new();
    let (ending, stdout, stderr) = run_to_end(
        scene
            .shell("env | sort; echo oops >&2; exit 7")
            .envs([("A", "b")]),
    )
    .await;
    assert_eq!(ending, Ending::Exited(7));
    assert_eq!(stderr, "oops\n");
    let ours: Vec<&str> = stdout
        .lines()
        .filter(|line| {
            !["PWD=", "SHLVL=", "_="]
                .iter()
                .any(|own| line.starts_with(own))
        })
        .collect();
    assert_eq!(ours, ["A=b", "PATH=/usr/bin:/bin"]);
}

#[tokio::test]
async fn a_signal_is_told_as_a_shell_tells_it() {
    let (ending, ..) = run_to_end(Scene::new().shell("kill -9 $$")).await;
    assert_eq!(ending, Ending::Exited(128 + 9));
}

#[tokio::test]
async fn what_does_not_exist_is_not_started() {
    let scene = Scene::new();
    let missing = ChildCommand::new(
        helper(),
        &scene.folder.path().join("missing"),
        scene.folder.path(),
    );
    assert_eq!(run_to_end(missing).await.0, Ending::NotStarted);
}

#[tokio::test]
async fn stopping_kills_every_descendant_also_those_that_detached_themselves() {
    let scene = Scene::new();
    let script = "SLEEPER 900 & setsid SLEEPER 901 & (setsid sh -c 'SLEEPER 902 & exec SLEEPER 903' &); \
                  while [ $(ls /proc/[0-9]*/exe -l 2>/dev/null | grep -c SLEEPER) -lt 4 ]; do :; done; echo ready; exec SLEEPER 904";
    let begun = Instant::now();
    assert_eq!(
        stop_when_ready(scene.shell(script)).await,
        Ending::Stopped(())
    );
    assert_eq!(scene.sleepers(), 0);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn leftovers_of_a_program_that_ended_are_killed() {
    let scene = Scene::new();
    let (ending, ..) = run_to_end(scene.shell("setsid SLEEPER 900 >/dev/null 2>&1 & exit 0")).await;
    assert_eq!(ending, Ending::Exited(0));
    assert_eq!(scene.sleepers(), 0);
}

#[tokio::test]
async fn a_parent_that_vanishes_takes_all_with_it() {
    let scene = Scene::new();
    let script = format!(
        "setsid {0} 900 & exec {0} 901",
        scene.folder.path().join("sleeper").display()
    );
    let mut parent = std::process::Command::new(helper())
        .args(["child", "--", "/bin/sh", "-c", &script])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let limit = Duration::from_secs(20);
    wait_until("both sleepers", limit, async || {
        Ok((scene.sleepers() == 2).then_some(()))
    })
    .await
    .unwrap();
    // What the kernel does when the process at the other end of the pipe is killed.
    drop(parent.stdin.take());
    assert_eq!(parent.wait().unwrap().code(), Some(128 + 9));
    assert_eq!(scene.sleepers(), 0);
}

#[tokio::test]
async fn a_program_may_end_by_itself_within_its_grace() {
    let scene = Scene::new();
    let obeys = scene
        .shell("trap 'echo bye > said; exit 0' TERM; echo ready; while :; do SLEEPER 0.01; done");
    assert_eq!(
        stop_when_ready(obeys.grace(Duration::from_secs(20))).await,
        Ending::Stopped(())
    );
    assert_eq!(
        fs::read_to_string(scene.folder.path().join("said")).unwrap(),
        "bye\n"
    );

    let ignores = scene.shell("trap '' TERM; echo ready; while :; do SLEEPER 0.01; done");
    assert_eq!(
        stop_when_ready(ignores.grace(Duration::from_millis(100))).await,
        Ending::Stopped(())
    );
    assert_eq!(scene.sleepers(), 0);
}

#[tokio::test]
async fn memory_is_bounded_over_all_descendants() {
    let scene = Scene::new();
    let (ending, ..) = run_to_end(scene.shell("tail -n 1 /dev/zero").memory_limit(64 << 20)).await;
    assert_eq!(ending, Ending::OutOfMemory);
}

#[tokio::test]
async fn files_are_bounded() {
    let scene = Scene::new();
    let file: PathBuf = scene.folder.path().join("large");
    let (ending, ..) = run_to_end(
        scene
            .shell("head -c 9000000 /dev/zero > large")
            .file_size_limit(1 << 20),
    )
    .await;
    assert_ne!(ending, Ending::Exited(0));
    assert!(fs::metadata(file).unwrap().len() <= 1 << 20);
}

#[tokio::test]
async fn priority_is_lowered() {
    let (_, before, _) = run_to_end(Scene::new().shell("nice")).await;
    let (_, after, _) = run_to_end(Scene::new().shell("nice").nice(5)).await;
    let number = |text: String| text.trim().parse::<i32>().unwrap();
    assert_eq!(number(after), (number(before) + 5).min(19));
}
