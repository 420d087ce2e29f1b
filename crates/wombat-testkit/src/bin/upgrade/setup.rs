//! `wombat setup`, run beside the clients.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use anyhow::{Context as _, ensure};
use wombat_testkit::Program;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) is_success: bool,
    /// Standard output.
    pub(crate) printed: String,
    /// Standard error.
    pub(crate) logged: String,
}

impl Ended {
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.printed, self.logged)
    }
}

/// Runs a command to its end.
pub(crate) async fn run(program: &Program, words: Vec<String>) -> anyhow::Result<Ended> {
    let mut command = program.command();
    let ended = tokio::task::spawn_blocking(move || command.args(words).output());
    let output = ended.await??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended {
        is_success: output.status.success(),
        printed: text(&output.stdout),
        logged: text(&output.stderr),
    })
}

/// Runs a command that must succeed.
pub(crate) async fn done(program: &Program, words: Vec<String>) -> anyhow::Result<Ended> {
    let ended = run(program, words).await?;
    ensure!(ended.is_success, "{}", ended.said());
    Ok(ended)
}

/// Kills a command as soon as its log has these words. Returns what it logged until then.
pub(crate) async fn killed_at(
    program: &Program,
    arguments: Vec<String>,
    words: &'static str,
) -> anyhow::Result<String> {
    let mut command = program.command();
    let killed = tokio::task::spawn_blocking(move || {
        command.args(arguments).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut log = BufReader::new(child.stderr.take().context("a pipe")?);
        let (mut logged, mut is_said) = (String::new(), false);
        while !is_said {
            let mut line = String::new();
            if log.read_line(&mut line)? == 0 {
                break;
            }
            is_said = line.contains(words);
            logged.push_str(&line);
        }
        child.kill()?;
        child.wait()?;
        drop(log.read_to_string(&mut String::new()));
        ensure!(is_said, "it ended without `{words}`: {logged}");
        anyhow::Ok(logged)
    });
    killed.await?
}
