//! A builder that pauses in the middle of an upload.

use std::time::Duration;

use nix::sys::signal::Signal;
use sha2::{Digest as _, Sha256};
use wombat_testkit::{NatsServer, Stack, a_request, artifact_path, wait_until};

use crate::program;

const SOON: Duration = Duration::from_mins(1);
/// Longer than the orphan age, shorter than the lease.
const PAUSE: Duration = Duration::from_secs(4);

/// The janitor sweeps every second, and objects without a record may go after two seconds, but not those of a live
/// claim.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_pauses_for_longer_than_the_orphan_age_keeps_its_chunks()
-> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (setup, service) = (
        ["--artifacts-limit", "2048MiB"],
        ["--orphan-age", "2", "--janitor-interval", "1"],
    );
    let stack = Stack::around_with(&program(), nats, &setup, &service).await?;
    stack.go.makes_bytes(150_000_000)?;
    let builder = stack.builder(&["--workers", "1", "--lease", "20s"])?;
    stack.site.until_builders(1).await?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    wait_until("the upload", SOON, async || {
        // The service may answer late: so much is uploaded.
        let Ok(view) = stack.site.json(&format!("/api/builds/{id}")).await else {
            return Ok(None);
        };
        anyhow::ensure!(view["status"] != "success", "the upload was missed");
        Ok((view["phase"] == "upload").then_some(()))
    })
    .await?;
    builder.signal(Signal::SIGSTOP)?;
    tokio::time::sleep(PAUSE).await;
    builder.signal(Signal::SIGCONT)?;
    let view = stack.site.until(&id, "success", SOON).await?;
    let response = stack.site.get(&artifact_path(&id)).await?;
    let bytes = response.error_for_status()?.bytes().await?;
    assert_eq!(view["sha256"], hex::encode(Sha256::digest(&bytes)));
    // Also not after it.
    tokio::time::sleep(PAUSE).await;
    let view = stack.site.json(&format!("/api/builds/{id}")).await?;
    assert_eq!(view["expired"], serde_json::Value::Null, "{view}");
    Ok(())
}
