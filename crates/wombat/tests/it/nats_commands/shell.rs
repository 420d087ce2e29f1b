//! Runs a command of `nats` with a key, as a person types it.

use std::{
    fmt::Write as _,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::Command,
};
use wombat_store::roles::NatsRole;

use crate::{
    guarded_system::{GuardedSystem, sha256},
    nats_cli::nats_program,
};

/// How long a command may take besides what it may wait for answers.
const LIMIT: Duration = Duration::from_mins(1);

/// What a command printed.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) succeeded: bool,
}

/// A folder of a person's own, with a file in it.
fn home() -> anyhow::Result<TempDir> {
    let home = TempDir::with_prefix("wombat-home-")?;
    std::fs::write(home.path().join("note"), "a note")?;
    Ok(home)
}

/// Runs a line of a shell in this folder, in which `nats` is the command line of NATS.
fn shell(line: &str, home: &TempDir) -> anyhow::Result<Command> {
    let program = nats_program()?;
    let folder = program.parent().context("a program is in a folder")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .current_dir(home.path())
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

async fn ended(line: &str, home: &TempDir) -> anyhow::Result<Said> {
    let output = shell(line, home)?.output();
    let output = tokio::time::timeout(LIMIT, output).await;
    let output = output.with_context(|| format!("it doesn't end: {line}"))??;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(Said {
        text,
        succeeded: output.status.success(),
    })
}

/// The lines of a person, run one after the other until one fails; then the digest of the file `wombat`.
pub(super) async fn lines_of_a_person(lines: &str) -> anyhow::Result<Said> {
    let home = home()?;
    let mut said = ended(&format!("set -e\n{lines}"), &home).await?;
    add_digest(&mut said, &home)?;
    Ok(said)
}

fn add_digest(said: &mut Said, home: &TempDir) -> std::fmt::Result {
    if let Ok(bytes) = std::fs::read(home.path().join("wombat")) {
        write!(said.text, "\nsha256 {}", sha256(&bytes))?;
    }
    Ok(())
}

/// The command line with a role's key.
pub(super) struct Nats<'a> {
    system: &'a GuardedSystem,
    role: NatsRole,
    /// Of its connection.
    name: String,
}

impl<'a> Nats<'a> {
    pub(super) fn of(system: &'a GuardedSystem, role: NatsRole) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("try-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        Self { system, role, name }
    }

    /// Whether the server refused something to it.
    pub(super) fn was_refused(&self) -> anyhow::Result<bool> {
        self.system.refused_to(&self.name)
    }

    fn line(&self, line: &str, patience: Duration) -> anyhow::Result<String> {
        let seed = self.system.seed_file(self.role);
        let mut all = format!(
            "exec nats --server {} --connection-name {} --nkey '{}' --timeout {}ms",
            self.system.url(),
            self.name,
            seed.display(),
            patience.as_millis()
        );
        // The admin's account has JetStream itself.
        if self.role != NatsRole::Admin {
            all.push_str(" --js-domain wombat");
        }
        if ![NatsRole::ReadOnly, NatsRole::Admin].contains(&self.role) {
            let prefix = self.system.inbox_prefix(self.role)?;
            write!(all, " --inbox-prefix {prefix}")?;
        }
        Ok(format!("{all} {line}"))
    }

    /// Runs a command until it ends. It waits this long for answers.
    pub(super) async fn run(&self, line: &str, patience: Duration) -> anyhow::Result<Said> {
        let home = home()?;
        let mut said = ended(&self.line(line, patience)?, &home).await?;
        add_digest(&mut said, &home)?;
        Ok(said)
    }

    /// Runs a command until it prints these words, and ends it then.
    pub(super) async fn run_until(&self, line: &str, words: &str) -> anyhow::Result<Said> {
        let home = home()?;
        let mut child = shell(&self.line(line, LIMIT)?, &home)?.spawn()?;
        let mut text = String::new();
        let stdout = child.stdout.take().context("stdout is a pipe")?;
        let stderr = child.stderr.take().context("stderr is a pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        let reading = async {
            while let Some(line) = lines.next_line().await? {
                text.push_str(&line);
                text.push('\n');
                if text.contains(words) {
                    return Ok(true);
                }
            }
            anyhow::Ok(false)
        };
        let succeeded = tokio::time::timeout(LIMIT, reading)
            .await
            .unwrap_or(Ok(false))?;
        child.kill().await?;
        BufReader::new(stderr).read_to_string(&mut text).await?;
        Ok(Said { text, succeeded })
    }
}
