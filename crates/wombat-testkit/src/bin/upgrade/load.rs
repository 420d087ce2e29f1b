//! What version 0.1.0 does before the upgrade: builds of every outcome, a blocklist, an import; and what it is in the
//! middle of when it is stopped.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_testkit::{Site, StubGo, a_distinct_request, wait_until};

use crate::{
    clients::Clients,
    machines::LIMIT,
    programs,
    snapshot::{Snapshot, is_finished},
};

const MODULE: &str = "parts.example/acme";
const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";
/// The version that is imported, and the one whose import is open at the stop.
const DONE: &str = "v1.2.3";
pub(crate) const OPEN_IMPORT: &str = "v1.2.4";
/// Numbers of requests that clients don't use.
const OWN: u32 = 4000;
/// Bytes of a binary: more than a chunk of any version.
const SIZE: u64 = 700 * 1024;
/// Seconds that builds take at the stop.
const LONG: f64 = 40.0;
/// Builds that are requested shortly before the stop: more than there are workers.
const OPEN: usize = 12;
/// Builds that are requested at the same time.
const AT_ONCE: usize = 12;

/// Sends a request that must be answered with JSON.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.text().await?;
    ensure!(status.is_success(), "{status} {body}");
    Ok(serde_json::from_str(&body)?)
}

/// A blocklist, an import, a build that failed, and one that was cancelled. Returns the ids of these builds.
pub(crate) async fn one_of_each(site: &Site, go: &StubGo) -> anyhow::Result<Vec<String>> {
    let block = json!({"modules": [{"module": "github.com/evil/*", "reason": "malware"}]});
    let put = site.client.put(format!("{}/api/blocklist", site.url));
    send(put.body(block.to_string())).await?;
    import(site, go).await?;

    go.makes_bytes(SIZE)?;
    go.fails("", "package stub.example/none is not in std")?;
    let failed = site.asked(&a_distinct_request(OWN)).await?;
    until_finished(site, &failed).await?;
    go.works();

    go.takes_seconds(LONG)?;
    let cancelled = site.asked(&a_distinct_request(OWN + 1)).await?;
    go.until_compiling().await?;
    let delete = site
        .client
        .delete(format!("{}/api/builds/{cancelled}", site.url));
    send(delete).await?;
    go.until_gone().await?;
    go.takes_seconds(0.0)?;
    Ok(vec![failed, cancelled])
}

async fn import(site: &Site, go: &StubGo) -> anyhow::Result<()> {
    offer_module(go)?;
    request_import(site, DONE).await?;
    until_imported(site, DONE).await?;
    offer_no_module(go)
}

/// From now on there is a module to import, with one package.
pub(crate) fn offer_module(go: &StubGo) -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let (plain, shout) = programs::link(folder.path())?;
    go.links(&[("parts.example", &shout), ("package", &plain)])?;
    go.requires(&json!([{"Path": BENTHOS, "Version": "v4.77.0"}]))?;
    go.offers(&[json!({
        "ImportPath": format!("{MODULE}/shout"), "Name": "shout", "Imports": [format!("{BENTHOS}/public/service")],
    })])
}

pub(crate) fn offer_no_module(go: &StubGo) -> anyhow::Result<()> {
    go.links_nothing();
    go.requires(&json!([]))
}

/// An import, once a service shows it.
pub(crate) async fn import_of(site: &Site, version: &str) -> anyhow::Result<Option<Value>> {
    let all = site.json("/api/catalog/imports").await?;
    let mut imports = all["imports"].as_array().into_iter().flatten();
    let found = imports.find(|import| import["version"] == version);
    Ok(found.cloned())
}

pub(crate) async fn until_imported(site: &Site, version: &str) -> anyhow::Result<()> {
    wait_until("the import to be done", LIMIT, async || {
        let import = import_of(site, version).await?.unwrap_or_default();
        ensure!(import["status"] != "failed", "{import}");
        Ok((import["status"] == "success").then_some(()))
    })
    .await
}

pub(crate) async fn request_import(site: &Site, version: &str) -> anyhow::Result<()> {
    let ask = json!({"module": MODULE, "version": version});
    let post = site
        .client
        .post(format!("{}/api/catalog/imports", site.url));
    send(post.body(ask.to_string())).await?;
    Ok(())
}

pub(crate) async fn until_finished(site: &Site, id: &str) -> anyhow::Result<Value> {
    let path = format!("/api/builds/{id}");
    wait_until(&format!("{id} to end"), LIMIT, async || {
        let response = site.get(&path).await?;
        if !response.status().is_success() {
            return Ok(None);
        }
        let view: Value = serde_json::from_str(&response.text().await?)?;
        Ok(is_finished(&view).then_some(view))
    })
    .await
}

/// Waits for the end of every accepted build. Returns those that didn't succeed.
pub(crate) async fn unsuccessful(site: &Site, clients: &Clients) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for id in clients.accepted() {
        let view = until_finished(site, &id).await?;
        if view["status"] != "success" {
            problems.push(format!("{id}: {} {}", view["status"], view["error"]));
        }
    }
    Ok(problems)
}

/// Requests builds until this many more have succeeded.
pub(crate) async fn build(site: &Site, clients: &Clients, count: usize) -> anyhow::Result<()> {
    let mut waiting = std::collections::VecDeque::new();
    let mut asked = 0;
    while asked < count || !waiting.is_empty() {
        while asked < count && waiting.len() < AT_ONCE {
            waiting.push_back(clients.ask().await.context("a request was refused")?);
            asked += 1;
        }
        let Some(id) = waiting.pop_front() else { break };
        let view = until_finished(site, &id).await?;
        ensure!(view["status"] == "success", "{view}");
    }
    Ok(())
}

/// Lets `count` builds succeed while clients read them. Returns what a gateway answers about everything finished.
pub(crate) async fn fill(
    site: &Site,
    go: &StubGo,
    clients: &mut Clients,
    count: usize,
) -> anyhow::Result<Snapshot> {
    let mut ids = one_of_each(site, go).await?;
    let first = count.min(20);
    build(site, clients, first).await?;
    let snapshot = Snapshot::take(site, &clients.accepted()).await?;
    clients.know(&snapshot.builds);
    clients.begin();
    build(site, clients, count - first).await?;
    // Clients have requested some more meanwhile, which may still run.
    for id in clients.accepted() {
        until_finished(site, &id).await?;
        ids.push(id);
    }
    let snapshot = Snapshot::take(site, &ids).await?;
    clients.know(&snapshot.builds);
    Ok(snapshot)
}

/// Builds and an import that are requested now, and are still open when version 0.1.0 is stopped. Returns their ids.
pub(crate) async fn leave_open(
    site: &Site,
    go: &StubGo,
    clients: &Clients,
) -> anyhow::Result<Vec<String>> {
    go.takes_seconds(LONG)?;
    let mut open = Vec::new();
    for _ in 0..OPEN {
        open.push(clients.ask().await.context("a request was refused")?);
    }
    go.until_compiling().await?;
    offer_module(go)?;
    request_import(site, OPEN_IMPORT).await?;
    wait_until("the import to be under way", LIMIT, async || {
        let import = import_of(site, OPEN_IMPORT).await?.unwrap_or_default();
        Ok((import["status"] == "importing").then_some(()))
    })
    .await?;
    Ok(open)
}
