//! `nats object get`, as a person who only reads types it.

use std::{path::PathBuf, process::Command};

use anyhow::ensure;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tempfile::TempDir;
use wombat_store::roles::NatsRole;

use crate::{
    login::{Login, text},
    snapshot::{Known, digest},
};

/// Downloads at the same time.
const AT_ONCE: usize = 3;

/// The arguments that a version documents for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documented {
    V0_1_0,
    Now,
}

fn arguments(login: &Login, url: &str, of: Documented) -> anyhow::Result<Vec<String>> {
    let mut words = vec!["--server".to_owned(), url.to_owned()];
    if let Some(key) = login.seed_file(NatsRole::ReadOnly) {
        words.extend(["--nkey".to_owned(), text(&key)?]);
        let more = match of {
            Documented::V0_1_0 => ["--inbox-prefix", "_INBOX_read-only"],
            Documented::Now => ["--js-domain", "wombat"],
        };
        words.extend(more.map(str::to_owned));
    }
    Ok(words)
}

/// Runs a command, and returns what it printed.
pub(crate) fn nats(arguments: &[String], words: &[&str]) -> anyhow::Result<String> {
    let home = TempDir::new()?;
    let program = std::env::var_os("WOMBAT_NATS_CLI");
    let program = program.map_or_else(|| "target/tools/nats".into(), PathBuf::from);
    let output = Command::new(program)
        .args(arguments)
        .args(words)
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "nats {words:?}: {printed}{errors}");
    Ok(printed)
}

/// Gets the binary of each success by its id. Returns how many had the recorded digest, and what is wrong.
pub(crate) async fn object_gets(
    login: &Login,
    url: &str,
    of: Documented,
    builds: &[Known],
) -> anyhow::Result<(usize, Vec<String>)> {
    let arguments = arguments(login, url, of)?;
    let successes = builds.iter().filter_map(|known| {
        let sha256 = known.sha256()?.to_owned();
        Some((known.id.clone(), sha256))
    });
    let problems = stream::iter(successes)
        .map(|(id, sha256)| {
            let arguments = arguments.clone();
            async move {
                let getting = tokio::task::spawn_blocking(move || one(&arguments, &id, &sha256));
                anyhow::Ok(getting.await?)
            }
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let all = problems.len();
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    Ok((all - problems.len(), problems))
}

fn one(arguments: &[String], id: &str, sha256: &str) -> Option<String> {
    let got = || {
        let folder = TempDir::new()?;
        let file = folder.path().join("binary");
        let target = text(&file)?;
        let words = [
            "object",
            "get",
            "artifacts",
            id,
            "--no-progress",
            "--output",
        ];
        nats(arguments, &[&words[..], &[target.as_str()]].concat())?;
        anyhow::Ok(digest(&std::fs::read(&file)?))
    };
    match got() {
        Ok(found) if found == sha256 => None,
        Ok(found) => Some(format!("{id}: {found} instead of {sha256}")),
        Err(error) => Some(format!("{id}: {error:#}")),
    }
}
