//! A role whose own disk is full goes on as far as it can, and completely once there is room.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wombat_testkit::{
    NatsServer, Site, Stack, Wombat, a_distinct_request, artifact_path, wait_until,
};

use crate::program;

const SOON: Duration = Duration::from_mins(1);
const MIB: usize = 1 << 20;

/// Fills the disk to its last page.
fn fill(disk: &Path) {
    let written = fs::write(disk.join("filler"), vec![1; 64 * MIB]);
    assert!(written.is_err(), "the disk is larger than this");
}

async fn total(site: &Site) -> anyhow::Result<u64> {
    let list = site.json("/api/builds?limit=1").await?;
    Ok(list["total"].as_u64().unwrap_or_default())
}

/// A stack whose only builder has a small disk, and claims nothing once less than this is free.
async fn builder_that_keeps_free(free: &str) -> anyhow::Result<(Stack, Wombat, TempDir)> {
    let stack = Stack::start(&program()).await?;
    let state = TempDir::new()?;
    let small = program().on_small_disk(16 * MIB);
    let builder = stack.builder_of(&small, state.path(), &["--min-free-disk", free])?;
    stack.site.until_builders(1).await?;
    Ok((stack, builder, state))
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_stay_right_on_a_service_whose_disk_is_full() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    program().set_up(&nats, &[])?;
    let (url, folder) = (nats.url(), TempDir::new()?);
    let service = program()
        .on_small_disk(4 * MIB)
        .start_in(folder.path(), &["service", "--nats-url", &url])?;
    let (_api, site) = program().gateway(&url, &[]).await?;
    let ask = async |n: u32| -> anyhow::Result<()> {
        site.asked(&a_distinct_request(n)).await?;
        wait_until("it to be listed", SOON, async || {
            // While the index is rebuilt there is no list.
            let total = total(&site).await;
            Ok(total.is_ok_and(|total| total == u64::from(n)).then_some(()))
        })
        .await
    };
    ask(1).await?;
    fill(&service.disk());
    for n in 2..=4 {
        ask(n).await?;
    }
    let ready = site.get("/readyz").await?;
    ensure!(ready.status().is_success());
    let words = ready.text().await?;
    ensure!(
        words.contains("keeps its index of builds in memory"),
        "{words}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_whose_disk_is_full_takes_nothing_and_says_so() -> anyhow::Result<()> {
    let (stack, builder, _state) = builder_that_keeps_free("8MiB").await?;
    let problem = async |wanted: bool| {
        wait_until("the fleet to tell of the disk", SOON, async || {
            let fleet = stack.site.json("/api/builders").await?;
            let problem = fleet["builders"][0]["problem"].as_str();
            let told = problem.is_some_and(|words| words.contains("Its disk is full"));
            Ok((told == wanted && fleet["builders"][0].is_object()).then_some(()))
        })
        .await
    };
    problem(false).await?;
    fill(&builder.disk());
    problem(true).await?;
    let id = stack.site.asked(&a_distinct_request(1)).await?;
    let view = stack.site.json(&format!("/api/builds/{id}?wait=2")).await?;
    ensure!(view["status"] == "new" && view["attempt"] == 0, "{view}");

    fs::remove_file(builder.disk().join("filler"))?;
    stack.site.until(&id, "success", SOON).await?;
    problem(false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_becomes_full_under_a_build_is_no_fault_of_the_build() -> anyhow::Result<()> {
    let (stack, builder, _state) = builder_that_keeps_free("0").await?;
    fill(&builder.disk());
    let id = stack.site.asked(&a_distinct_request(1)).await?;
    let view = stack.site.until(&id, "failed", SOON).await?;
    ensure!(view["failure"]["class"] == "infra", "{view}");

    // A new request may retry it at once.
    fs::remove_file(builder.disk().join("filler"))?;
    ensure!(stack.site.asked(&a_distinct_request(1)).await? == id);
    stack.site.until(&id, "success", SOON).await?;
    Ok(())
}

/// Room for two of four files, although the limit allows more.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_whose_disk_is_smaller_than_its_limit_keeps_what_fits() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let _builder = stack.builder(&[])?;
    let built = async |n: u32| {
        let id = stack.site.asked(&a_distinct_request(n)).await?;
        let view = stack.site.until(&id, "success", SOON).await?;
        let digest = view["sha256"].as_str().context("a digest")?;
        anyhow::Ok((artifact_path(&id), digest.to_owned()))
    };
    stack.go.makes_bytes(3_000_000)?;
    let mut builds = Vec::new();
    for n in 1..=4 {
        builds.push(built(n).await?);
    }
    stack.go.makes_bytes(9_000_000)?;
    let large = built(5).await?;

    let small = program().on_small_disk(8 * MIB);
    let (gateway, site) = small.gateway(&stack.nats.url(), &[]).await?;
    let folder = gateway.disk().join("artifact-cache");
    let is_right = async |(path, digest): &(String, String)| {
        let bytes = site.get(path).await?.bytes().await?;
        ensure!(hex::encode(Sha256::digest(&bytes)) == *digest, "{path}");
        Ok(())
    };
    for build in builds.iter().chain(&builds) {
        is_right(build).await?;
        let kept = fs::read_dir(&folder)?.count();
        ensure!((1..=2).contains(&kept), "{kept} files");
        ensure!(folder.join(&build.1).is_file(), "the newest is kept");
    }
    // The disk has no room for this one at all.
    is_right(&large).await?;
    wait_until("files are kept again", SOON, async || {
        is_right(&builds[0]).await?;
        Ok(folder.join(&builds[0].1).is_file().then_some(()))
    })
    .await
}
