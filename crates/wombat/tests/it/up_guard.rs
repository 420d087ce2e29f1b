//! The nats-server of `wombat up`: open to this machine where everyone there may do everything, else only for keys.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use wombat_testkit::{Site, StubGo, Wombat, a_request, nats_server_program, wait_until};

use crate::{nats_cli::nats_program, program, tokens::Tokens};

const LIMIT: Duration = Duration::from_mins(1);

struct Scene {
    go: StubGo,
    state: TempDir,
}

impl Scene {
    async fn up(&self, more: &[&str]) -> anyhow::Result<(Wombat, Site)> {
        let server = std::path::absolute(nats_server_program()?)?;
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a path of ours");
        let words = [
            "up",
            "--http",
            "127.0.0.1:0",
            "--nats-server",
            &text(&server)?,
            "--go",
            &text(&self.go.program())?,
            "--sandbox-allow",
            &text(self.go.folder())?,
        ];
        let up = program().without_keys();
        let up = up.start_in(self.state.path(), &[&words[..], more].concat())?;
        let site = Site::new(up.first_line()?);
        site.until_ready().await?;
        Ok((up, site))
    }
}

/// The command in the last line that says that it is ready.
async fn pasted(up: &Wombat) -> anyhow::Result<String> {
    wait_until("it to be ready", LIMIT, async || {
        let said = up.log_text();
        let line = said.rsplit("ready; `").next().filter(|it| *it != said);
        Ok(line.and_then(|line| Some(line.split_once('`')?.0.to_owned())))
    })
    .await
}

/// Runs a command of `nats` as a person pastes it.
fn paste(command: &str) -> anyhow::Result<std::process::Output> {
    let nats = nats_program()?.display().to_string();
    let words = command.strip_prefix("nats ").context("a command of nats")?;
    let home = TempDir::new()?;
    Ok(Command::new("sh")
        .args(["-c", &format!("'{nats}' {words}")])
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .output()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tokens_only_keys_reach_nats_and_the_data_stays() -> anyhow::Result<()> {
    let scene = Scene {
        go: StubGo::new()?,
        state: TempDir::with_prefix("wombat-state-")?,
    };
    let (mut up, site) = scene.up(&[]).await?;
    let id = site.asked(&a_request(&["nats"])).await?;
    site.until(&id, "success", LIMIT).await?;
    let open = pasted(&up).await?;
    assert!(!open.contains("--nkey"), "{open}");
    let listed = paste(&open)?;
    ensure!(listed.status.success(), "{open}: {listed:?}");
    up.terminate()?;
    up.ended(LIMIT)?;
    fs::remove_file(scene.state.path().join("up.log"))?;

    let tokens = Tokens::new()?;
    let tokens = tokens.path()?;
    let (mut up, site) = scene.up(&["--tokens", &tokens]).await?;
    site.until(&id, "success", LIMIT).await?;
    let guarded = pasted(&up).await?;
    assert!(guarded.contains("read-only/user.nk"), "{guarded}");
    let listed = paste(&guarded)?;
    let said = String::from_utf8_lossy(&listed.stdout).into_owned();
    ensure!(
        listed.status.success() && said.contains("build"),
        "{listed:?}"
    );
    let (before, after) = guarded.split_once(" --nkey ").context("a key")?;
    let (_, rest) = after.split_once("' ").context("a quoted path")?;
    let refused = paste(&format!("{before} {rest}"))?;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(!refused.status.success(), "{refused:?}");
    ensure!(words.to_lowercase().contains("authorization"), "{words}");
    let keys = scene.state.path().join("nats/keys");
    for role in ["admin", "service", "builder", "api", "read-only"] {
        let mode = fs::metadata(keys.join(role).join("user.nk"))?
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{role}");
    }
    let seed = fs::read_to_string(keys.join("admin/user.nk"))?;
    let config = fs::read_to_string(scene.state.path().join("nats/nats.conf"))?;
    assert!(!config.contains(seed.trim()) && !up.log_text().contains(seed.trim()));
    up.terminate()?;
    up.ended(LIMIT)?;

    let (_up, site) = scene.up(&[]).await?;
    site.until(&id, "success", LIMIT).await?;
    Ok(())
}
