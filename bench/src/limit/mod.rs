//! The limits: programs that do the minimum of what the subject has to do, each in a process of its own as the subject
//! is.

mod announce;
mod answer;
mod echo;
mod files;

pub(crate) use echo::SUBJECT as ECHO_SUBJECT;

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use clap::Subcommand;

/// Which limit to run.
#[derive(Debug, Subcommand)]
pub(crate) enum LimitCommand {
    /// An HTTP server that answers everything with the content of a file
    Answer {
        /// The body of every answer
        file: PathBuf,
    },
    /// A NATS responder at `limit.echo` that replies with this many bytes
    Echo {
        /// URL of NATS
        url: String,
        /// Size of a reply, in bytes
        bytes: usize,
    },
    /// A static file server: reads a file and writes it, as most web frameworks do
    Files {
        /// The folder to serve
        folder: PathBuf,
    },
    /// A static file server that leaves the copying to the system (`sendfile`)
    Sendfile {
        /// The folder to serve
        folder: PathBuf,
    },
}

/// Runs a limit until it is killed. The first line that it prints is its address.
pub(crate) async fn run(command: LimitCommand) -> anyhow::Result<()> {
    match command {
        LimitCommand::Answer { file } => answer::run(std::fs::read(file)?.into()).await,
        LimitCommand::Echo { url, bytes } => echo::run(&url, bytes).await,
        LimitCommand::Files { folder } => files::run(folder).await,
        LimitCommand::Sendfile { folder } => files::run_sendfile(&folder),
    }
}

/// A running limit; killed and reaped when it is dropped.
#[derive(Debug)]
pub(crate) struct Limit {
    child: Child,
    /// The first line that it printed: its address.
    pub(crate) place: String,
}

impl Limit {
    pub(crate) fn start(words: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .arg("limit")
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let mut limit = Self {
            child,
            place: String::new(),
        };
        BufReader::new(stdout).read_line(&mut limit.place)?;
        limit.place.truncate(limit.place.trim_end().len());
        Ok(limit)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
