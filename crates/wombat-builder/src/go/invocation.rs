//! One run of `go` under the helper: its words, its limits, what it printed.

use std::{path::Path, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wombat_model::{Failure, FailureClass};

use super::{
    environment::{Environment, environment},
    folders,
    settings::GoSettings,
    stage::Stage,
    toolchain::Toolchain,
};
use crate::{
    cache::Session,
    child::{ChildCommand, Ending, LineCutter, Output},
    relay::RelaySession,
    report::Reporter,
};

/// Most that a child may print on its standard output. What `go` says of the largest module graphs is a third of this.
const MAX_PRINTED: usize = 64 * 1024 * 1024;
/// Most that it may complain: twice the longest log.
const MAX_COMPLAINTS: usize = 8 * 1024 * 1024;
/// Most of a child's standard error that is kept, from its end.
const MAX_ERROR_TEXT: usize = 64 * 1024;

/// What a build may use and how it is stopped.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Cancelled when the build is to stop at once.
    pub stop: CancellationToken,
    /// When its time is up.
    pub deadline: Instant,
    /// How long that was from the start, for the message.
    pub time_limit: Duration,
    /// Most memory for the children together, in bytes.
    pub memory_limit: u64,
    /// Largest file, in bytes: the binary itself.
    pub output_limit: u64,
    /// Most processes at once.
    pub process_limit: u32,
    /// How many packages are compiled at once.
    pub parallelism: usize,
    /// How much lower than others' the priority of its children is.
    pub niceness: i32,
    /// Where it reports to.
    pub reporter: Reporter,
}

/// Why a build gave no binary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// It failed.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// [`Scope::stop`] was cancelled.
    #[error("the build was stopped")]
    Stopped,
}

impl From<Failure> for BuildError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl BuildError {
    /// Our own fault, or our machine's; a full disk passes, and is no fault of the build.
    pub(crate) fn local(what: &str, error: &std::io::Error) -> Self {
        let class = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                FailureClass::Infra
            }
            std::io::ErrorKind::FileTooLarge => FailureClass::Resource,
            _ => FailureClass::Internal,
        };
        Failure::new(class, format!("The builder can't {what}: {error}.")).into()
    }
}

enum Why {
    Asked,
    TimeIsUp,
    PrintedTooMuch,
}

impl Scope {
    /// Resolves when the build has to stop.
    async fn over(&self) -> Why {
        tokio::select! {
            () = self.stop.cancelled() => Why::Asked,
            () = tokio::time::sleep_until(self.deadline) => Why::TimeIsUp,
        }
    }

    /// Runs something of our own under the same limits.
    pub(crate) async fn limit<T>(&self, work: impl Future<Output = T>) -> Result<T, BuildError> {
        tokio::select! {
            done = work => Ok(done),
            why = self.over() => Err(self.stopped(&why)),
        }
    }

    fn stopped(&self, why: &Why) -> BuildError {
        match why {
            Why::Asked => BuildError::Stopped,
            Why::TimeIsUp => {
                let seconds = self.time_limit.as_secs();
                let limit = if seconds < 120 {
                    format!("{seconds} seconds")
                } else {
                    format!("{} minutes", seconds / 60)
                };
                let message = format!("The build took longer than {limit}, which is the limit.");
                Failure::new(FailureClass::Resource, message).into()
            }
            Why::PrintedTooMuch => {
                let message = format!(
                    "The build printed more than {} MiB, which is the limit.",
                    MAX_COMPLAINTS >> 20
                );
                Failure::new(FailureClass::Resource, message).into()
            }
        }
    }
}

/// What `go` says when its helper isn't there any more.
const HELPER_GONE: [&str; 2] = ["GOCACHEPROG", "broken pipe"];

/// Where `go` finds what was compiled before.
#[derive(Clone, Copy, Debug)]
pub(super) enum CompileCache<'a> {
    /// In this folder, by itself.
    Folder(&'a Path),
    /// Wherever the build's helpers find it.
    Helped(&'a Session),
}

impl CompileCache<'_> {
    /// The folder that Go uses where it asks nobody.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Helped(session) => session.folder(),
        }
    }

    /// `go` says that the program it asked isn't there any more.
    fn went_away(&self) {
        match self {
            Self::Folder(_) => {}
            Self::Helped(session) => session.helper_went_away(),
        }
    }

    /// The program that it asks.
    pub(super) fn command(&self, wombat: &Path) -> Option<String> {
        match self {
            Self::Folder(_) => None,
            Self::Helped(session) => session.command(wombat),
        }
    }
}

/// A `go` of one version, in one folder, for one build.
#[derive(Clone, Copy, Debug)]
pub(super) struct Go<'a> {
    pub(super) settings: &'a GoSettings,
    pub(super) toolchain: &'a Toolchain,
    /// Holds `home`, `tmp` and the folder that `go` runs in.
    pub(super) work_dir: &'a Path,
    pub(super) scope: &'a Scope,
    pub(super) cache: CompileCache<'a>,
    pub(super) relay: &'a RelaySession,
}

/// What a run of `go` left behind.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: u8,
    pub(super) stdout: Vec<u8>,
    /// Standard error, without control characters; its last part if it was long.
    pub(super) stderr: String,
}

impl Finished {
    pub(super) fn succeeded(&self) -> bool {
        self.status == 0
    }
}

impl Go<'_> {
    /// Words of `go` as anybody may read them: where this machine keeps its files says nothing to them.
    pub(super) fn without_folders(&self, text: &str) -> String {
        let settings = self.settings;
        let folders = [
            settings.module_cache.as_path(),
            self.work_dir,
            self.cache.folder(),
            &settings.build_cache,
            &settings.gopath,
            &settings.goroot,
        ];
        folders::without(text, self.work_dir, folders)
    }

    /// Runs `go` in `directory` and keeps its standard output; what it says on standard error goes to the log, too.
    pub(super) async fn run<A: AsRef<str>>(
        &self,
        stage: Stage,
        directory: &Path,
        extra: Environment,
        arguments: &[A],
    ) -> Result<Finished, BuildError> {
        let mut stdout = Vec::new();
        let finished = self.stream(stage, directory, extra, arguments, |bytes| {
            stdout.extend_from_slice(bytes);
        });
        let Finished { status, stderr, .. } = finished.await?;
        Ok(Finished {
            status,
            stdout,
            stderr,
        })
    }

    /// The same, with standard output handed on as it comes.
    pub(super) async fn stream<A: AsRef<str>>(
        &self,
        stage: Stage,
        directory: &Path,
        extra: Environment,
        arguments: &[A],
        mut on_stdout: impl FnMut(&[u8]),
    ) -> Result<Finished, BuildError> {
        let mut variables = environment(
            self.settings,
            &self.toolchain.program,
            self.work_dir,
            self.cache,
            &self.proxy(stage),
        );
        variables.extend(extra);
        let child = ChildCommand::new(&self.settings.helper, &self.toolchain.program, directory)
            .args(arguments.iter().map(AsRef::as_ref))
            .envs(variables)
            .nice(self.scope.niceness)
            .memory_limit(self.scope.memory_limit)
            .file_size_limit(match stage {
                Stage::Fetch => MAX_MODULE_FILE,
                Stage::Compile => self.scope.output_limit,
            })
            .process_limit(self.scope.process_limit)
            .confine(self.confinement(stage))
            .spawn()
            .map_err(|error| BuildError::local("start a child process", &error))?;

        let mut cutter = LineCutter::default();
        let mut stderr = String::new();
        let mut keep = |line: String| {
            let line = self.without_folders(&line);
            stderr.push_str(&line);
            stderr.push('\n');
            if stderr.len() > 2 * MAX_ERROR_TEXT {
                let cut = stderr.ceil_char_boundary(stderr.len() - MAX_ERROR_TEXT);
                stderr.drain(..cut);
            }
            self.scope.reporter.line(line);
        };
        let flood = CancellationToken::new();
        let stop = async {
            tokio::select! {
                why = self.scope.over() => why,
                () = flood.cancelled() => Why::PrintedTooMuch,
            }
        };
        let (mut printed, mut complained) = (0, 0);
        let ending = child
            .run(stop, |source, bytes| {
                match source {
                    Output::Stdout => printed += bytes.len(),
                    Output::Stderr => complained += bytes.len(),
                }
                match source {
                    _ if printed > MAX_PRINTED || complained > MAX_COMPLAINTS => flood.cancel(),
                    Output::Stdout => on_stdout(bytes),
                    Output::Stderr => cutter.push(bytes, &mut keep),
                }
            })
            .await
            .map_err(|error| BuildError::local("read what `go` says", &error))?;
        if let Some(rest) = cutter.finish() {
            keep(rest);
        }
        match ending {
            Ending::Exited(status) => {
                if status != 0 && HELPER_GONE.iter().any(|words| stderr.contains(words)) {
                    self.cache.went_away();
                }
                Ok(Finished {
                    status,
                    stdout: Vec::new(),
                    stderr,
                })
            }
            Ending::OutOfMemory => {
                let limit = self.scope.memory_limit >> 20;
                Err(Failure::new(
                    FailureClass::Resource,
                    format!(
                        "The build needed more than {limit} MiB of memory, which is the limit."
                    ),
                )
                .into())
            }
            Ending::TooManyProcesses => {
                let message = format!(
                    "The build started more than {} processes, which is the limit.",
                    self.scope.process_limit
                );
                Err(Failure::new(FailureClass::Resource, message).into())
            }
            Ending::NotStarted => Err(Failure::new(
                FailureClass::Internal,
                format!("`go` can't be started: {}", stderr.trim_end()),
            )
            .into()),
            Ending::Stopped(why) => Err(self.scope.stopped(&why)),
        }
    }
}

/// Module archives are up to 500 MiB, by Go's own rule; the limit on files must let them pass.
const MAX_MODULE_FILE: u64 = 512 * 1024 * 1024;
