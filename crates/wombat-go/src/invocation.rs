//! One run of `go` under the helper: its arguments, its limits, its output.

use std::path::Path;

use tokio_util::sync::CancellationToken;
use wombat_child::{ChildCommand, Ending, LineCutter, Output};
use wombat_model::{Failure, FailureClass};

use super::{
    environment::{Environment, environment},
    error::BuildError,
    folders,
    go::Go,
    scope::{MAX_COMPLAINTS, StopReason},
    size_limit::MORE_THAN,
    stage::Stage,
};

/// Most bytes of a child's standard output that is read as it comes.
const MAX_PRINTED: usize = 64 * 1024 * 1024;
/// Most bytes of a child's standard output that is collected: a list of packages, or a `go.mod` as JSON. What it is
/// parsed to takes about four times as much. The list of all packages of Redpanda Connect has two thirds of this.
const MAX_COLLECTED: usize = 32 * 1024 * 1024;
/// Most bytes of a child's standard error to keep, from its end.
const MAX_ERROR_TEXT: usize = 64 * 1024;

/// What `go` prints when it loses its helper.
const HELPER_GONE: [&str; 2] = ["GOCACHEPROG", "broken pipe"];

/// The result of a run of `go`.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: u8,
    pub(super) stdout: Vec<u8>,
    /// Standard error, as plain lines without this machine's paths; only its end if it is long.
    pub(super) stderr: String,
}

impl Finished {
    pub(super) fn succeeded(&self) -> bool {
        self.status == 0
    }
}

/// How `go` is run.
struct Invocation<'a, A> {
    stage: Stage,
    directory: &'a Path,
    extra: Environment,
    arguments: &'a [A],
    /// Most bytes on its standard output.
    most: usize,
}

impl Go<'_> {
    /// The output of `go` without this machine's paths.
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
        let names = settings
            .names
            .clone()
            .root(self.work_dir, "$WORK")
            .root(self.cache.folder(), "$GOCACHE");
        folders::without(text, self.work_dir, folders, &names)
    }

    /// Runs `go` in `directory` and returns its standard output; its standard error also goes to the log.
    pub(super) async fn run<A: AsRef<str>>(
        &self,
        stage: Stage,
        directory: &Path,
        extra: Environment,
        arguments: &[A],
    ) -> Result<Finished, BuildError> {
        let mut stdout = Vec::new();
        let invocation = Invocation {
            stage,
            directory,
            extra,
            arguments,
            most: MAX_COLLECTED,
        };
        let finished = self.print(invocation, |bytes| stdout.extend_from_slice(bytes));
        let Finished { status, stderr, .. } = finished.await?;
        Ok(Finished {
            status,
            stdout,
            stderr,
        })
    }

    /// The same, but passes standard output to `on_stdout` as it arrives.
    pub(super) async fn stream<A: AsRef<str>>(
        &self,
        stage: Stage,
        directory: &Path,
        extra: Environment,
        arguments: &[A],
        on_stdout: impl FnMut(&[u8]),
    ) -> Result<Finished, BuildError> {
        let invocation = Invocation {
            stage,
            directory,
            extra,
            arguments,
            most: MAX_PRINTED,
        };
        self.print(invocation, on_stdout).await
    }

    async fn print<A: AsRef<str>>(
        &self,
        invocation: Invocation<'_, A>,
        mut on_stdout: impl FnMut(&[u8]),
    ) -> Result<Finished, BuildError> {
        let Invocation {
            stage,
            directory,
            extra,
            arguments,
            most,
        } = invocation;
        let mut variables = environment(
            self.settings,
            &self.toolchain.program,
            self.work_dir,
            self.cache,
            &self.proxy(stage),
        );
        variables.extend(extra);
        let confinement = self.confinement(stage).await;
        let child = ChildCommand::new(&self.settings.helper, &self.toolchain.program, directory)
            .args(arguments.iter().map(AsRef::as_ref))
            .envs(variables)
            .nice(self.scope.niceness)
            .memory_limit(self.scope.memory_limit)
            .file_size_limit(match stage {
                Stage::Fetch => MAX_MODULE_FILE,
                Stage::Compile => self.scope.output_limit.most(),
            })
            .process_limit(self.scope.process_limit)
            .confine(confinement)
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
        let (flood, overflow) = (CancellationToken::new(), CancellationToken::new());
        let stop = async {
            tokio::select! {
                why = self.scope.over() => Some(why),
                () = flood.cancelled() => Some(StopReason::PrintedTooMuch),
                () = overflow.cancelled() => None,
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
                    _ if complained > MAX_COMPLAINTS => flood.cancel(),
                    _ if printed > most => overflow.cancel(),
                    Output::Stdout => on_stdout(bytes),
                    Output::Stderr => cutter.push(bytes, &mut keep),
                }
            })
            .await
            .map_err(|error| BuildError::local("read the output of `go`", &error))?;
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
            Ending::OutOfMemory => Err(self.out_of_memory().into()),
            Ending::TooManyProcesses => Err(self.too_many_processes().into()),
            Ending::NotStarted => Err(Failure::new(
                FailureClass::Internal,
                format!("`go` can't be started: {}", stderr.trim_end()),
            )
            .into()),
            Ending::Stopped(Some(why)) => Err(self.scope.stopped(&why)),
            Ending::Stopped(None) => {
                let command = arguments.first().map_or("", AsRef::as_ref);
                Err(printed_too_much(command, most).into())
            }
        }
    }

    fn out_of_memory(&self) -> Failure {
        let message = format!(
            "The build needed more than {} MiB of memory, which is the limit.",
            self.scope.memory_limit >> 20
        );
        Failure::new(FailureClass::Resource, message)
    }

    fn too_many_processes(&self) -> Failure {
        let message = format!(
            "The build started more than {} processes, which is the limit.",
            self.scope.process_limit
        );
        Failure::new(FailureClass::Resource, message)
    }
}

/// Why a `go` was stopped whose standard output is too long: it is about the modules.
fn printed_too_much(command: &str, most: usize) -> Failure {
    let message = format!("`go {command}` printed {MORE_THAN} {} MiB.", most >> 20);
    Failure::new(FailureClass::Input, message)
}

/// Module archives are up to 500 MiB, by Go's own rule; the limit on files must let them pass.
const MAX_MODULE_FILE: u64 = 512 * 1024 * 1024;
