//! The nats-server program: named, found, or built from its pinned sources with an installed Go.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tokio::{process::Command, task::spawn_blocking};
use tracing::{info, warn};
use wombat_go::find_in_path;

/// The module of nats-server's main package.
pub(crate) const NATS_SERVER_MODULE: &str = "github.com/nats-io/nats-server/v2";

/// Longest time for a program to print its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// The pinned module, and the checksums of all its dependencies.
const GO_MOD: &str = include_str!("../../../../tools/go.mod");
const GO_SUM: &str = include_str!("../../../../tools/go.sum");

/// The version that is built if none is found.
pub(crate) fn pinned_version() -> &'static str {
    GO_MOD
        .lines()
        .filter_map(|line| line.trim().strip_prefix(NATS_SERVER_MODULE))
        .find_map(|rest| {
            rest.split_whitespace()
                .next()
                .filter(|version| version.starts_with('v'))
        })
        .unwrap_or("unknown")
}

/// The program named, else the one beside this program, as in a release's archive, else the one on the search path, else
/// the one in the state directory, else a freshly built one.
pub(crate) async fn program(
    named: Option<&Path>,
    state: &Path,
    go: &Path,
) -> anyhow::Result<PathBuf> {
    if let Some(program) = named {
        // The server is started in another folder, where a relative path would be wrong.
        return std::path::absolute(program)
            .ok()
            .filter(|program| program.is_file())
            .with_context(|| format!("there is no nats-server at {}", program.display()));
    }
    if let Some(program) = spawn_blocking(installed_nats_server).await? {
        return Ok(program);
    }
    let built = state
        .join("bin")
        .join(format!("nats-server-{}", pinned_version()));
    if !says_its_version(&built).await {
        build(&built, go).await?;
    }
    Ok(built)
}

/// The one beside this program, else the one on the search path.
pub(crate) fn installed_nats_server() -> Option<PathBuf> {
    let beside = std::env::current_exe()
        .and_then(|own| own.canonicalize())
        .map(|own| own.with_file_name("nats-server"));
    let beside = beside.ok().filter(|program| program.is_file());
    beside.or_else(|| find_in_path("nats-server"))
}

/// Whether this program runs and is the pinned version; an incomplete or empty file isn't.
async fn says_its_version(program: &Path) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(VERSION_LIMIT, asked).await {
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stdout);
            let named = said.split_whitespace().next_back();
            let pinned = named == Some(pinned_version());
            if !pinned {
                warn!(program = %program.display(), said = said.trim(), "this isn't the expected version of nats-server; rebuilding it");
            }
            output.status.success() && pinned
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => false,
        Ok(Err(error)) => {
            warn!(program = %program.display(), %error, "nats-server doesn't run; rebuilding it");
            false
        }
        Err(_) => {
            warn!(program = %program.display(), "nats-server doesn't print its version; rebuilding it");
            false
        }
    }
}

async fn build(target: &Path, go: &Path) -> anyhow::Result<()> {
    info!(
        version = pinned_version(),
        "no nats-server found: building it once with Go, which takes about a minute"
    );
    let folder = target.parent().context("its path has no folder")?;
    tokio::fs::create_dir_all(folder).await?;
    let parent = folder.to_owned();
    let made = spawn_blocking(move || {
        tempfile::Builder::new()
            .prefix(".nats-server-")
            .tempdir_in(parent)
    });
    let sources = made.await??;
    tokio::fs::write(sources.path().join("go.mod"), GO_MOD).await?;
    tokio::fs::write(sources.path().join("go.sum"), GO_SUM).await?;
    let output = sources.path().join("nats-server");
    let arguments: [OsString; 7] = [
        "build".into(),
        "-mod=readonly".into(),
        "-trimpath".into(),
        "-buildvcs=false".into(),
        "-o".into(),
        output.clone().into(),
        NATS_SERVER_MODULE.into(),
    ];
    let result = Command::new(go)
        .args(arguments)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .current_dir(sources.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let result = match result {
        Ok(result) => result,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "neither nats-server nor Go is installed: keep the nats-server of the release's archive beside this program, install Go to build one, or name a server with --nats-server or NATS_URL"
        ),
        Err(error) => return Err(error).context("starting Go"),
    };
    ensure!(
        result.status.success(),
        "building nats-server failed:\n{}",
        String::from_utf8_lossy(&result.stderr).trim_end()
    );
    let target_path = target.to_owned();
    spawn_blocking(move || wombat_files::settle_at(&output, &target_path))
        .await?
        .with_context(|| format!("writing {}", target.display()))?;
    info!(program = %target.display(), "nats-server is built");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_is_found_in_the_sources() {
        assert!(pinned_version().starts_with("v2."), "{}", pinned_version());
    }
}
