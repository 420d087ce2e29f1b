//! The parent's side of a child process: starts the helper, reads the program's output, and holds the pipe that keeps
//! the helper alive.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, ChildStdin, Command},
};

use crate::{confinement::Confinement, exit};

/// A program to run under the helper. Its environment holds only the variables given here.
#[derive(Clone, Debug)]
pub struct ChildCommand {
    helper: PathBuf,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<String, OsString>,
    directory: PathBuf,
    niceness: i32,
    memory_limit: Option<u64>,
    file_size_limit: Option<u64>,
    process_limit: Option<u32>,
    thread_limit: Option<u32>,
    data_limit: Option<u64>,
    grace: Duration,
    confinement: Option<Confinement>,
}

impl ChildCommand {
    /// Runs `program` in `directory`; `helper` is an executable that offers [`HelperCommand`](crate::HelperCommand).
    pub fn new(helper: &Path, program: &Path, directory: &Path) -> Self {
        Self {
            helper: helper.to_owned(),
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            directory: directory.to_owned(),
            niceness: 0,
            memory_limit: None,
            file_size_limit: None,
            process_limit: None,
            thread_limit: None,
            data_limit: None,
            grace: Duration::ZERO,
            confinement: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds environment variables.
    #[must_use]
    pub fn envs<K: Into<String>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.environment.extend(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into())),
        );
        self
    }

    /// Sets the program's `nice` value.
    #[must_use]
    pub fn nice(self, niceness: i32) -> Self {
        Self { niceness, ..self }
    }

    /// Limits the memory of the program and its descendants together, in bytes. It is summed up several times a second,
    /// so that a fast program exceeds it for a moment; [`Self::data_limit`] sets an end to that.
    #[must_use]
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self {
            memory_limit: Some(bytes),
            ..self
        }
    }

    /// Limits the size of any file that the program writes, in bytes.
    #[must_use]
    pub fn file_size_limit(self, bytes: u64) -> Self {
        Self {
            file_size_limit: Some(bytes),
            ..self
        }
    }

    /// Limits the number of processes: the program and its descendants.
    #[must_use]
    pub fn process_limit(self, processes: u32) -> Self {
        Self {
            process_limit: Some(processes),
            ..self
        }
    }

    /// Limits the number of threads of the program and its descendants together.
    #[must_use]
    pub fn thread_limit(self, threads: u32) -> Self {
        Self {
            thread_limit: Some(threads),
            ..self
        }
    }

    /// Limits the private memory that each process maps for writing, in bytes, whether it uses that or not. The kernel
    /// refuses to map more.
    #[must_use]
    pub fn data_limit(self, bytes: u64) -> Self {
        Self {
            data_limit: Some(bytes),
            ..self
        }
    }

    /// Confines the program. Without this, it has all rights of this process.
    #[must_use]
    pub fn confine(self, confinement: Confinement) -> Self {
        Self {
            confinement: Some(confinement),
            ..self
        }
    }

    /// Sets the time between the request to end (SIGTERM) and the kill.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Starts the helper, which starts the program.
    pub fn spawn(self) -> io::Result<Supervised> {
        let mut command = Command::new(&self.helper);
        command
            .arg("child")
            .args(["--nice", &self.niceness.to_string()]);
        command.args(["--grace-ms", &self.grace.as_millis().to_string()]);
        if let Some(bytes) = self.memory_limit {
            command.args(["--memory-limit", &bytes.to_string()]);
        }
        if let Some(bytes) = self.file_size_limit {
            command.args(["--file-size-limit", &bytes.to_string()]);
        }
        if let Some(processes) = self.process_limit {
            command.args(["--process-limit", &processes.to_string()]);
        }
        if let Some(threads) = self.thread_limit {
            command.args(["--thread-limit", &threads.to_string()]);
        }
        if let Some(bytes) = self.data_limit {
            command.args(["--data-limit", &bytes.to_string()]);
        }
        if let Some(confinement) = &self.confinement {
            command.args(["--confine", &confinement.to_json()?]);
        }
        command.arg("--").arg(&self.program).args(&self.arguments);
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.directory);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // In its own process group, so that Ctrl-C in a terminal reaches only this process, which then decides how its
        // children end.
        command.process_group(0);
        let mut helper = command.spawn()?;
        let lifeline = helper.stdin.take();
        Ok(Supervised { helper, lifeline })
    }
}

/// A stream of the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a child ended; none of its descendants runs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<R> {
    /// It exited with this status; 128 and more mean a signal.
    Exited(u8),
    /// Killed for exceeding the memory limit.
    OutOfMemory,
    /// Killed for exceeding the process limit or the thread limit.
    TooManyProcesses,
    /// The program couldn't be started, or the helper failed.
    NotStarted,
    /// Stopped by the caller, for this reason.
    Stopped(R),
}

/// A running child. Dropping this kills the child, but only [`Self::run`] waits until it is gone.
#[derive(Debug)]
pub struct Supervised {
    helper: Child,
    lifeline: Option<ChildStdin>,
}

impl Supervised {
    /// Passes output to `on_output` until the child ends, or until `stop` resolves, which kills it. No process of the
    /// child is left when this returns.
    pub async fn run<R>(
        mut self,
        stop: impl Future<Output = R>,
        mut on_output: impl FnMut(Output, &[u8]),
    ) -> io::Result<Ending<R>> {
        let mut stdout = self.helper.stdout.take();
        let mut stderr = self.helper.stderr.take();
        let (mut from_stdout, mut from_stderr) = (vec![0; 32 * 1024], vec![0; 8 * 1024]);
        let mut reason = None;
        tokio::pin!(stop);
        while stdout.is_some() || stderr.is_some() {
            tokio::select! {
                count = read(&mut stdout, &mut from_stdout) => match count? {
                    0 => stdout = None,
                    count => on_output(Output::Stdout, &from_stdout[..count]),
                },
                count = read(&mut stderr, &mut from_stderr) => match count? {
                    0 => stderr = None,
                    count => on_output(Output::Stderr, &from_stderr[..count]),
                },
                why = &mut stop, if reason.is_none() => {
                    reason = Some(why);
                    self.lifeline = None;
                }
            }
        }
        let status = loop {
            tokio::select! {
                status = self.helper.wait() => break status?,
                why = &mut stop, if reason.is_none() => {
                    reason = Some(why);
                    self.lifeline = None;
                }
            }
        };
        if let Some(reason) = reason {
            return Ok(Ending::Stopped(reason));
        }
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(match code {
            Some(exit::OUT_OF_MEMORY) => Ending::OutOfMemory,
            Some(exit::TOO_MANY_PROCESSES) => Ending::TooManyProcesses,
            Some(exit::NOT_STARTED | exit::HELPER_FAILED) => Ending::NotStarted,
            Some(code) => Ending::Exited(code),
            None => Ending::Exited(128 + 9),
        })
    }
}

async fn read(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> io::Result<usize> {
    match stream {
        Some(stream) => stream.read(buffer).await,
        None => std::future::pending().await,
    }
}
