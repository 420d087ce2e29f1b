//! A finished binary is foreign code. This one, a Go program that real Go builds, tries to leave the confinement in
//! which binaries are asked about themselves, and to use more than its limits.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::{MetadataExt as _, PermissionsExt as _},
            net::{UnixDatagram, UnixListener},
        },
    },
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use tempfile::TempDir;
use tokio::sync::Notify;
use wombat_child::{ChildCommand, Confinement, Ending};
use wombat_model::SandboxLevel::{self, Landlock, Namespaces, None as Unconfined};
use wombat_testkit::install;

use crate::support::{helper, running};

const LEVELS: [SandboxLevel; 3] = [Namespaces, Landlock, Unconfined];
/// Limits of the tests, in bytes: small, so that exceeding them costs little.
const MEMORY: u64 = 128 << 20;
const DATA: u64 = 2 * MEMORY;
const THREADS: u32 = 64;

/// What a program achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Everything that it tried was refused.
    Nothing,
    /// Something that it tried worked.
    Something,
    /// A limit ended it.
    Ended,
}

use Outcome::{Ended, Nothing, Something};

/// Each attempt, its outcome at both levels that confine, and without confinement, which shows that it is a real one.
const ATTEMPTS: [(&str, Outcome, Outcome); 13] = [
    ("metadata", Nothing, Something),
    ("files", Nothing, Something),
    ("sockets", Nothing, Something),
    ("shared", Nothing, Something),
    ("shared-memory", Nothing, Something),
    ("processes", Nothing, Something),
    ("proc", Nothing, Something),
    ("signals", Nothing, Something),
    ("calls", Nothing, Something),
    // Limits are there without confinement, too.
    ("descriptor", Nothing, Nothing),
    ("threads", Ended, Ended),
    ("memory", Ended, Ended),
    ("tables", Ended, Ended),
];

/// The folder of a builder, with one for the program and the file that it may read.
struct Scene {
    folder: TempDir,
    stream: UnixListener,
    datagram: UnixDatagram,
    /// A file that this process left open for its children.
    open: OwnedFd,
}

impl Scene {
    fn new() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-hostile-")?;
        let at = |name| folder.path().join(name);
        fs::create_dir(at("job"))?;
        // A copy, so that its processes can be told from those of other tests.
        install(built(), &at("hostile"))?;
        fs::write(at("secret"), "canary")?;
        fs::write(at("job/secret"), "canary")?;
        fs::write(at("job/question"), "a question")?;
        let stream = UnixListener::bind(at("stream"))?;
        stream.set_nonblocking(true)?;
        let datagram = UnixDatagram::bind(at("datagram"))?;
        datagram.set_nonblocking(true)?;
        let open = fcntl_dupfd_cloexec(fs::File::open(at("secret"))?, 251)?;
        fcntl_setfd(&open, FdFlags::empty())?;
        Ok(Self {
            folder,
            stream,
            datagram,
            open,
        })
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("hostile")
    }

    fn arguments(&self, attempt: &str) -> Vec<String> {
        match attempt {
            "read" => vec![self.at("job/question")],
            "metadata" => vec![self.at("secret"), self.at("job"), self.at("")],
            "files" => vec![self.at(""), self.at("job")],
            "sockets" => vec![self.at("stream"), self.at("datagram")],
            "descriptor" => vec![self.open.as_raw_fd().to_string()],
            "proc" | "signals" => vec![std::process::id().to_string()],
            "threads" => vec!["5000".to_owned()],
            "memory" => vec![(8 * MEMORY).to_string()],
            "tables" => vec![(32 * MEMORY).to_string()],
            "shared-memory" => vec![(2 * MEMORY).to_string()],
            _ => Vec::new(),
        }
    }

    fn command(&self, level: SandboxLevel, attempt: &str) -> ChildCommand {
        let job = self.folder.path().join("job");
        let confinement = Confinement::alone(level, &self.program()).read(job.join("question"));
        ChildCommand::new(helper(), &self.program(), &job)
            .args([attempt])
            .args(self.arguments(attempt))
            .envs([("GOMAXPROCS", "4")])
            .nice(10)
            .memory_limit(MEMORY)
            .data_limit(DATA)
            .file_size_limit(0)
            .process_limit(1)
            .thread_limit(THREADS)
            .confine(confinement)
    }

    /// How a program ended, and what it printed.
    async fn run(
        &self,
        level: SandboxLevel,
        attempt: &str,
    ) -> anyhow::Result<(Ending<()>, String)> {
        let mut said = Vec::new();
        let child = self.command(level, attempt).spawn()?;
        let ending = child.run(std::future::pending(), |_, bytes| {
            said.extend_from_slice(bytes);
        });
        Ok((ending.await?, String::from_utf8_lossy(&said).into_owned()))
    }

    /// Everything in the folder: names, modes, owners, times, sizes and contents.
    fn seen(&self) -> anyhow::Result<Vec<String>> {
        let mut seen = Vec::new();
        let mut next = vec![self.folder.path().to_owned()];
        while let Some(path) = next.pop() {
            let is = fs::symlink_metadata(&path)?;
            if is.is_dir() {
                let entries = fs::read_dir(&path)?.collect::<io::Result<Vec<_>>>()?;
                next.extend(entries.iter().map(fs::DirEntry::path));
            }
            let content = fs::read_to_string(&path).unwrap_or_default();
            let (mode, owner, time) = (is.mode(), is.uid(), is.mtime_nsec());
            seen.push(format!(
                "{} {mode:o} {owner} {time} {content}",
                path.display()
            ));
        }
        seen.sort();
        Ok(seen)
    }

    /// Makes the folder removable again.
    fn restore(&self) -> anyhow::Result<()> {
        for folder in [self.folder.path(), &self.folder.path().join("job")] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
}

/// The program, built once.
fn built() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, program) = BUILT.get_or_init(|| {
        let folder = TempDir::with_prefix("wombat-hostile-program-").unwrap();
        let program = folder.path().join("hostile");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/hostile/main.go");
        let built = Command::new("go")
            .args(["build", "-trimpath", "-buildvcs=false", "-o"])
            .args([&program, &source])
            .envs([("CGO_ENABLED", "0"), ("GOTOOLCHAIN", "local")])
            .status()
            .unwrap();
        assert!(built.success(), "{built}");
        (folder, program)
    });
    program
}

fn outcome(ending: Ending<()>, said: &str) -> Outcome {
    if said.contains("got in: ") {
        Something
    } else if ending == Ending::Exited(0) {
        Nothing
    } else {
        Ended
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_achieves_nothing_and_stays_within_its_limits() -> anyhow::Result<()> {
    for level in LEVELS {
        for (attempt, confined, unconfined) in ATTEMPTS {
            let scene = Scene::new()?;
            let before = scene.seen()?;
            let (ending, said) = scene.run(level, attempt).await?;
            let expected = if level == Unconfined {
                unconfined
            } else {
                confined
            };
            assert_eq!(
                outcome(ending, &said),
                expected,
                "{level}: {attempt}: {ending:?} {said}"
            );
            assert_eq!(running(&scene.program()), 0, "{level}: {attempt}");
            if level == Unconfined {
                scene.restore()?;
                continue;
            }
            assert!(!said.contains("canary"), "{level}: {attempt}: {said}");
            assert_eq!(scene.seen()?, before, "{level}: {attempt}");
            let connected = scene.stream.accept().map(drop);
            let heard = scene.datagram.recv(&mut [0; 10]).map(drop);
            for result in [connected, heard] {
                let nothing = result.map_err(|error| error.kind());
                assert_eq!(
                    nothing,
                    Err(io::ErrorKind::WouldBlock),
                    "{level}: {attempt}"
                );
            }
        }
    }
    Ok(())
}

/// What `EPERM` is to Go.
const REFUSED: &str = "operation not permitted";

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_refused_whatever_their_arguments() -> anyhow::Result<()> {
    let scene = Scene::new()?;
    for level in [Namespaces, Landlock] {
        for attempt in ["calls", "signals", "metadata", "sockets"] {
            let (_, said) = scene.run(level, attempt).await?;
            for line in said.lines() {
                // Go's `clone` without `clone3` is the one that is looked at.
                let expected = if line.contains("clone3") {
                    "function not implemented"
                } else {
                    REFUSED
                };
                assert!(line.contains(expected), "{level}: {line}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_program_reads_and_prints() -> anyhow::Result<()> {
    let scene = Scene::new()?;
    for level in LEVELS {
        let (ending, said) = scene.run(level, "read").await?;
        assert_eq!(
            (ending, said.as_str()),
            (Ending::Exited(0), "a question"),
            "{level}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prints_or_runs_without_end_is_stopped() -> anyhow::Result<()> {
    let scene = Scene::new()?;
    for level in LEVELS {
        for (attempt, enough) in [("flood", 1 << 20), ("endless", 1)] {
            let (mut printed, stop) = (0, Notify::new());
            let child = scene.command(level, attempt).spawn()?;
            let ending = child.run(stop.notified(), |_, bytes| {
                printed += bytes.len();
                if printed >= enough {
                    stop.notify_one();
                }
            });
            assert_eq!(ending.await?, Ending::Stopped(()), "{level}: {attempt}");
            assert!(printed < enough + (64 << 20), "{level}: {attempt}");
            assert_eq!(running(&scene.program()), 0, "{level}: {attempt}");
        }
    }
    Ok(())
}
