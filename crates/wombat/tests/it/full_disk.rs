//! A disk that was full: nats-server stores nothing until it is restarted, and `wombat up` restarts its own.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Context, ensure};
use async_nats::jetstream;
use tempfile::TempDir;
use wombat_testkit::{StubGo, Wombat, nats_server_program, wait_until};

use crate::program;

const SOON: Duration = Duration::from_mins(1);
/// The disk, in bytes.
const DISK: usize = 128 << 20;

/// Where the nats-server of `wombat up` listens.
async fn nats_of(up: &Wombat) -> anyhow::Result<String> {
    wait_until("it to be ready", SOON, async || {
        let said = up.log_text();
        let words = said.split(|c: char| c.is_whitespace() || c == '"' || c == '=');
        let url = words.rev().find(|word| word.starts_with("nats://"));
        let ready = said.contains("ready; ");
        Ok(url.filter(|_| ready).map(str::to_owned))
    })
    .await
}

/// Stores this many bytes as chunks of one object. A second call with the same name stores others.
async fn put(jetstream: &jetstream::Context, name: &str, bytes: usize) -> anyhow::Result<()> {
    const CHUNK: usize = 128 << 10;
    static UPLOADS: AtomicUsize = AtomicUsize::new(0);

    let upload = UPLOADS.fetch_add(1, Ordering::Relaxed);
    for number in 0..bytes / CHUNK {
        let subject = format!("$O.artifacts.C.{name}.{upload}.{number}");
        let stored = async {
            let sent = jetstream.publish(subject, vec![7; CHUNK].into()).await?;
            anyhow::Ok(sent.await?)
        };
        tokio::time::timeout(Duration::from_secs(20), stored)
            .await
            .context("no acknowledgement")??;
    }
    Ok(())
}

#[tokio::test]
async fn a_nats_server_that_stopped_storing_is_restarted_when_there_is_room() -> anyhow::Result<()>
{
    let (state, go) = (TempDir::with_prefix("wombat-small-")?, StubGo::new()?);
    let server = std::path::absolute(nats_server_program()?)?;
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path of ours");
    let words = [
        "up",
        "--http",
        "127.0.0.1:0",
        "--nats-server",
        &text(&server)?,
        "--go",
        &text(&go.program())?,
        "--sandbox-allow",
        &text(go.folder())?,
    ];
    let mut up = program()
        .on_small_disk(DISK)
        .start_in(state.path(), &words)?;
    let client = async_nats::connect(nats_of(&up).await?).await?;
    let jetstream = jetstream::ContextBuilder::new()
        .timeout(Duration::from_secs(3))
        .build(client);
    put(&jetstream, "before", 1 << 20).await?;

    // Most of the disk is taken; the rest is too small for this.
    let filler = up.disk().join("filler");
    fs::write(&filler, vec![1; DISK * 3 / 4])?;
    ensure!(
        put(&jetstream, "too-large", DISK / 2).await.is_err(),
        "the disk isn't full"
    );
    wait_until("it to say that the disk is full", SOON, async || {
        Ok(up.log_text().contains("its disk is full").then_some(()))
    })
    .await?;

    fs::remove_file(&filler)?;
    wait_until("binaries to be stored again", SOON, async || {
        Ok(put(&jetstream, "after", 1 << 20).await.ok())
    })
    .await?;
    let said = up.log_text();
    ensure!(
        said.contains("although its disk has room; restarting it"),
        "{said}"
    );
    up.terminate()?;
    up.ended(SOON)?;
    Ok(())
}
