//! The limits: programs that do the least that the subject has to do, each in a process of its own as the subject is.

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

/// Which limit to be.
#[derive(Debug, Subcommand)]
pub(crate) enum LimitCommand {
    /// An HTTP server that answers everything with the content of a file
    Answer {
        /// The body of every answer
        file: PathBuf,
    },
    /// A NATS responder at `limit.echo` that replies so many bytes
    Echo {
        /// Where NATS is
        url: String,
        /// Size of a reply
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

/// Is that limit, until it is killed. The first line that it prints says where.
pub(crate) async fn run(command: LimitCommand) -> anyhow::Result<()> {
    match command {
        LimitCommand::Answer { file } => answer::run(std::fs::read(file)?.into()).await,
        LimitCommand::Echo { url, bytes } => echo::run(&url, bytes).await,
        LimitCommand::Files { folder } => files::run(folder).await,
        LimitCommand::Sendfile { folder } => files::run_sendfile(&folder),
    }
}

#[expect(clippy::print_stdout, reason = "whoever started it reads where it is")]
fn announce(place: &str) {
    println!("{place}");
}

/// A limit that runs; killed and reaped when it is dropped.
#[derive(Debug)]
pub(crate) struct Limit {
    child: Child,
    /// What it said first: where it is.
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
