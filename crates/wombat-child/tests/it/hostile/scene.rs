//! The folder of a builder, and the hostile program in it.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{MetadataExt as _, PermissionsExt as _},
            net::{UnixDatagram, UnixListener},
        },
    },
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use tempfile::TempDir;
use tokio::sync::Notify;
use wombat_child::{ChildCommand, Confinement, Ending};
use wombat_model::SandboxLevel;
use wombat_testkit::install;

use super::{
    attempts::{Attempt, Outcome, Sizes},
    host::{Seen, Watch},
};
use crate::support::helper;

/// As builders have it.
pub(super) const THREADS: u32 = 64;
/// What is kept of the program's output, in bytes.
const LONGEST: usize = 1 << 20;

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Report {
    ending: Ending<()>,
    /// The beginning of its output.
    pub(super) said: String,
    /// Bytes of its whole output.
    pub(super) printed: usize,
    pub(super) took: Duration,
    pub(super) seen: Seen,
    /// Files and folders of the builder that are there, gone or different, and weren't before.
    pub(super) changed: usize,
}

impl Report {
    pub(super) fn outcome(&self) -> Outcome {
        if self.said.contains("got in: ") {
            return Outcome::Done;
        }
        match self.ending {
            Ending::Stopped(()) => Outcome::Stopped,
            Ending::Exited(0) => Outcome::Refused,
            Ending::Exited(_)
            | Ending::OutOfMemory
            | Ending::TooManyProcesses
            | Ending::NotStarted => Outcome::Ended,
        }
    }

    /// What the program got: how it ended, and how many of the things that it tried worked.
    pub(super) fn got(&self) -> String {
        let count = |word| {
            self.said
                .lines()
                .filter(|line| line.starts_with(word))
                .count()
        };
        let (worked, refused) = (count("got in: "), count("refused: "));
        let ending = match self.ending {
            Ending::Exited(0) => String::new(),
            Ending::Exited(code) => format!(", exit {code}"),
            Ending::OutOfMemory => ", killed: memory".to_owned(),
            Ending::TooManyProcesses => ", killed: processes or threads".to_owned(),
            Ending::NotStarted => ", not started".to_owned(),
            Ending::Stopped(()) => format!(", stopped after {} KiB", self.printed >> 10),
        };
        format!("{worked} of {}{ending}", worked + refused)
    }
}

/// The folder of a builder, with one for the program and the file that it may read.
pub(super) struct Scene {
    folder: TempDir,
    pub(super) stream: UnixListener,
    pub(super) datagram: UnixDatagram,
    /// A file that this process left open for its children.
    pub(super) open: OwnedFd,
}

impl Scene {
    pub(super) fn new() -> anyhow::Result<Self> {
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

    pub(super) fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(super) fn program(&self) -> PathBuf {
        self.folder.path().join("hostile")
    }

    /// A command that runs the program, confined and limited as builders do it.
    pub(super) fn command(
        &self,
        level: SandboxLevel,
        sizes: Sizes,
        words: &[String],
    ) -> ChildCommand {
        let job = self.folder.path().join("job");
        let confinement = Confinement::alone(level, &self.program()).read(job.join("question"));
        ChildCommand::new(helper(), &self.program(), &job)
            .args(words)
            .envs([("GOMAXPROCS", "4")])
            .nice(10)
            .memory_limit(sizes.memory)
            .data_limit(sizes.data)
            .file_size_limit(0)
            .process_limit(1)
            .thread_limit(THREADS)
            .confine(confinement)
    }

    /// Lets the program try this, and watches it.
    pub(super) async fn run(
        &self,
        level: SandboxLevel,
        sizes: Sizes,
        attempt: &Attempt,
    ) -> anyhow::Result<Report> {
        let before = self.seen()?;
        let mut words = vec![attempt.name.to_owned()];
        words.extend(attempt.arguments(self, sizes));
        let child = self.command(level, sizes, &words).spawn()?;
        let watch = Watch::begin(&self.program());
        let (begun, stop) = (Instant::now(), Notify::new());
        let enough = if attempt.is_endless() { 1 } else { sizes.flood };
        let (mut said, mut printed) = (Vec::new(), 0);
        let ending = child.run(stop.notified(), |_, bytes| {
            printed += bytes.len();
            if said.len() < LONGEST {
                said.extend_from_slice(bytes);
            }
            if printed >= enough {
                stop.notify_one();
            }
        });
        let ending = ending.await;
        let seen = watch.end();
        let after = self.seen();
        Ok(Report {
            ending: ending?,
            said: String::from_utf8_lossy(&said).into_owned(),
            printed,
            took: begun.elapsed(),
            seen,
            changed: changed(&before, &after?),
        })
    }

    /// Everything in the folder: names, modes, owners, times, sizes and contents.
    pub(super) fn seen(&self) -> anyhow::Result<Vec<String>> {
        let mut seen = Vec::new();
        let mut next = vec![self.folder.path().to_owned()];
        while let Some(path) = next.pop() {
            let is = fs::symlink_metadata(&path)?;
            if is.is_dir() {
                let entries = fs::read_dir(&path)?.collect::<io::Result<Vec<_>>>()?;
                next.extend(entries.iter().map(fs::DirEntry::path));
            }
            // Reading the pipe that the program makes has no end.
            let content = if is.is_file() {
                fs::read_to_string(&path).unwrap_or_default()
            } else {
                String::new()
            };
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
    pub(super) fn restore(&self) -> anyhow::Result<()> {
        for folder in [self.folder.path(), &self.folder.path().join("job")] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
}

/// How many lines are in one of both alone.
fn changed(before: &[String], after: &[String]) -> usize {
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|line| !those.contains(*line)).count()
    };
    only(before, after).max(only(after, before))
}

/// The program, built once.
fn built() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, program) = BUILT.get_or_init(|| {
        let folder = TempDir::with_prefix("wombat-hostile-program-").unwrap();
        let program = folder.path().join("hostile");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/hostile/program");
        let files = fs::read_dir(source).unwrap().flatten();
        let built = Command::new("go")
            .args(["build", "-trimpath", "-buildvcs=false", "-o"])
            .arg(&program)
            .args(files.map(|file| file.path()))
            .envs([("CGO_ENABLED", "0"), ("GOTOOLCHAIN", "local")])
            .status()
            .unwrap();
        assert!(built.success(), "{built}");
        (folder, program)
    });
    program
}
