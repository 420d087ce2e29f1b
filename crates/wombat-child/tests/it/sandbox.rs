//! What confined programs can't do: tried by shells, and by the program's own attempt to break out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::net::TcpListener;
use wombat_child::{ChildCommand, Confinement, Ending, Output, sandbox::probe};
use wombat_model::SandboxLevel;
use wombat_testkit::install;

use crate::support::{helper, running};

const CONFINED: [SandboxLevel; 2] = [SandboxLevel::Landlock, SandboxLevel::Namespaces];

/// A folder that the program may use, and a file beside it that it may not.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::with_prefix("wombat-sandbox-").unwrap();
        fs::create_dir(folder.path().join("inside")).unwrap();
        fs::write(folder.path().join("secret"), "canary").unwrap();
        Self { folder }
    }

    fn inside(&self) -> PathBuf {
        self.folder.path().join("inside")
    }

    fn confinement(&self, level: SandboxLevel) -> Confinement {
        Confinement::new(level, Path::new("/bin/sh"))
            .system_programs()
            .write(self.inside())
    }

    fn shell(&self, confinement: Confinement, script: &str) -> ChildCommand {
        ChildCommand::new(helper(), Path::new("/bin/sh"), &self.inside())
            .args(["-c", script])
            .envs([("PATH", "/usr/bin:/bin")])
            .confine(confinement)
    }
}

async fn run_to_end(command: ChildCommand) -> (Ending<()>, String) {
    let mut said = Vec::new();
    let ending = command
        .spawn()
        .unwrap()
        .run(std::future::pending(), |_: Output, bytes| {
            said.extend_from_slice(bytes);
        })
        .await
        .unwrap();
    (ending, String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn only_its_own_folder_can_be_used() {
    let scene = Scene::new();
    for level in CONFINED {
        let (ending, said) = run_to_end(scene.shell(
            scene.confinement(level),
            "echo mine > file && cat file && rm file",
        ))
        .await;
        assert_eq!(
            (ending, said.as_str()),
            (Ending::Exited(0), "mine\n"),
            "{level}"
        );
        for script in [
            "cat ../secret",
            "echo changed > ../secret",
            "rm ../secret",
            "mv ../secret mine",
            "ln ../secret mine",
            "ln -s ../secret mine",
            "mkfifo mine",
            "ls /etc",
            "cat /etc/passwd",
            "cat /proc/self/environ",
            "cat /proc/1/cmdline",
            "ls /tmp",
            "kill -0 PARENT",
        ] {
            let script = script.replace("PARENT", &std::process::id().to_string());
            let (ending, said) = run_to_end(scene.shell(scene.confinement(level), &script)).await;
            assert!(
                matches!(ending, Ending::Exited(1..)) && !said.contains("canary"),
                "{level}: {script}: {ending:?} {said}"
            );
        }
    }
    assert_eq!(
        fs::read_to_string(scene.folder.path().join("secret")).unwrap(),
        "canary"
    );
    assert_eq!(fs::read_dir(scene.inside()).unwrap().count(), 0);
}

#[tokio::test]
async fn only_the_relays_port_can_be_reached() {
    let scene = Scene::new();
    let (open, closed) = (
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    );
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let connect = |port: u16| format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    let bash = |confinement: Confinement, script: &str| {
        ChildCommand::new(helper(), Path::new("/bin/bash"), &scene.inside())
            .args(["-c", script])
            .confine(confinement)
    };
    for level in CONFINED {
        let with_relay = || scene.confinement(level).connect(port(&open));
        for (confinement, to, works) in [
            (with_relay(), port(&open), true),
            (with_relay(), port(&closed), false),
            (scene.confinement(level), port(&open), false),
        ] {
            let (ending, said) = run_to_end(bash(confinement, &connect(to))).await;
            assert_eq!(ending == Ending::Exited(0), works, "{level}: {said}");
        }
        let datagram = format!("echo x > /dev/udp/127.0.0.1/{}", port(&open));
        let (ending, said) = run_to_end(bash(with_relay(), &datagram)).await;
        assert_ne!(ending, Ending::Exited(0), "{level}: {said}");
    }
}

/// A compiler can quote what it can read. Without the system's programs nothing says which system this is.
#[tokio::test]
async fn libraries_can_be_used_and_nothing_around_them_can_be_read() {
    let scene = Scene::new();
    let shell = scene.inside().join("sh");
    install(Path::new("/bin/sh"), &shell).unwrap();
    for level in CONFINED {
        for (file, readable) in [
            ("mine", true),
            ("/etc/os-release", false),
            ("/usr/lib/os-release", false),
        ] {
            fs::write(scene.inside().join("mine"), "mine").unwrap();
            let confinement = Confinement::new(level, &shell).write(scene.inside());
            let script = format!("read -r line < {file}; echo \"$line\"");
            let command = ChildCommand::new(helper(), &shell, &scene.inside())
                .args(["-c", &script])
                .confine(confinement);
            let (_, said) = run_to_end(command).await;
            assert_eq!(said.contains("mine"), readable, "{level}: {file}: {said}");
            assert!(!said.contains("NAME="), "{level}: {file}: {said}");
        }
    }
}

/// When the machine has no memory left, the kernel ends a build before the builder.
#[tokio::test]
async fn children_are_killed_first() {
    let scene = Scene::new();
    for level in CONFINED {
        let confinement = scene.confinement(level).read("/proc");
        let (ending, said) =
            run_to_end(scene.shell(confinement, "cat /proc/self/oom_score_adj")).await;
        assert_eq!(
            (ending, said.as_str()),
            (Ending::Exited(0), "1000\n"),
            "{level}"
        );
    }
}

#[tokio::test]
async fn namespaces_hide_everybody_else() {
    let scene = Scene::new();
    let level = SandboxLevel::Namespaces;
    let (_, said) =
        run_to_end(scene.shell(scene.confinement(level), "echo $$; id -u; uname -n")).await;
    assert_eq!(said, "1\n1000\nsandbox\n");
}

#[tokio::test]
async fn a_fork_bomb_ends_and_nothing_of_it_is_left() {
    let scene = Scene::new();
    install(Path::new("/bin/sh"), &scene.inside().join("bomb")).unwrap();
    let bomb = scene.inside().join("bomb");
    for level in CONFINED {
        let begun = Instant::now();
        let command = ChildCommand::new(helper(), &bomb, &scene.inside())
            .args(["-c", "f() { f | f & }; f; while :; do :; done"])
            .envs([("PATH", "/usr/bin:/bin")])
            // The priority of builds: the helper must still get CPU time to stop them.
            .nice(10)
            .process_limit(64)
            .confine(scene.confinement(level).run(&bomb));
        let (ending, _) = run_to_end(command).await;
        assert_eq!(ending, Ending::TooManyProcesses, "{level}");
        assert_eq!(running(&bomb), 0, "{level}");
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{level}: {:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test]
async fn this_machine_can_confine() {
    let folder = TempDir::new().unwrap();
    let level = probe(helper(), folder.path()).await.unwrap();
    assert!(level >= SandboxLevel::Landlock);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "it tidies up"
    );
}

#[test]
fn an_attempt_to_break_out_succeeds_where_nothing_is_confined() {
    let scene = Scene::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new(helper())
        .args(["sandbox-check", "--inside"])
        .arg(scene.inside())
        .arg("--outside")
        .arg(scene.folder.path().join("secret"))
        .args([
            "--closed-port",
            &listener.local_addr().unwrap().port().to_string(),
        ])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    for escape in [
        "read a file",
        "write a file",
        "follow a link",
        "connect",
        "listen",
        "send a packet",
    ] {
        assert!(said.contains(escape), "{said}");
    }
}
