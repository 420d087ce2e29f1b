//! The catalog: releases, imports, the blocklist.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use wombat_store::WatchEvent;
use wombat_testkit::wait_until;

use super::{
    scene::{IMPORTED, LIMIT, Scene},
    thief::Thief,
    uploads::upload_to,
    verdict::{Answer, Verdict, verdict},
};

/// A release that would be the newest of its module.
const INVENTED: &str = "v4.999.0";
const CONNECT: &str = "github.com/redpanda-data/connect/v4";

/// The key of the invented release below this kind.
fn key(kind: &str) -> String {
    let name = format!("{CONNECT}/{INVENTED}");
    format!("{kind}.{}", name.replace('.', "=2e"))
}

/// Writes a release, or the request of an import, into the catalog.
pub(super) async fn release(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let mut answers = Vec::new();
    for kind in ["asked", "release", "default-releases"] {
        let subject = match kind {
            "default-releases" => "$KV.catalog.default-releases-stolen".to_owned(),
            _ => format!("$KV.catalog.{}", key(kind)),
        };
        let answer = thief.send(&subject, &[], "{}").await?;
        answers.push(answer);
        // For what follows; only the service's key gets here.
        let purge = json!({"filter": subject}).to_string();
        let purged = scene
            .admin
            .request("$JS.API.STREAM.PURGE.KV_catalog", purge.into());
        purged.await?;
    }
    Ok(verdict(&answers))
}

/// The result of an import that no one requested: a whole release.
pub(super) async fn unrequested_import(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let document = format!("{CONNECT}/{INVENTED}/stolen");
    let release = newest_release(scene).await?;
    let content = json!({"release": release, "documentation": [], "stream": []}).to_string();
    upload_to("catalog-docs", thief, &document, content.as_bytes()).await?;
    let import = json!({
        "module": CONNECT, "version": INVENTED, "requested": "2026-01-02T03:04:05Z", "status": "storing",
        "document": document,
    });
    let subject = format!("$KV.catalog.{}", key("import"));
    let answer = thief.ask(&subject, &import).await?;
    if !answer.is_accepted() {
        return Ok(answer.verdict());
    }
    let end = wait_until("the import to be over", LIMIT, async || {
        let imports = scene.site.json("/api/catalog/imports").await?;
        let mut all = imports["imports"].as_array().context("imports")?.iter();
        let found = all.find(|it| it["version"] == INVENTED);
        let status = found.map(|it| it["status"].clone()).unwrap_or_default();
        Ok((status == "failed" || status == "success").then_some(status))
    })
    .await?;
    let stream = async_nats::jetstream::new(scene.admin.clone());
    let stream = stream.get_stream("KV_catalog").await?;
    let stored = format!("$KV.catalog.{}", key("release"));
    let is_there = stream
        .get_last_raw_message_by_subject(&stored)
        .await
        .is_ok();
    Ok(if end == "failed" && !is_there {
        Verdict::PutBack
    } else {
        Verdict::Possible
    })
}

/// A release of the module as it is in the catalog, as the invented one.
async fn newest_release(scene: &Scene) -> anyhow::Result<Value> {
    let mut releases = scene.store.catalog.watch();
    loop {
        match tokio::time::timeout(LIMIT, releases.next()).await? {
            WatchEvent::Value { record, .. } if record.value.module.as_str() == CONNECT => {
                let mut release = serde_json::to_value(&record.value)?;
                release["version"] = INVENTED.into();
                return Ok(release);
            }
            WatchEvent::Ready => anyhow::bail!("no release of {CONNECT}"),
            WatchEvent::Value { .. }
            | WatchEvent::Removed { .. }
            | WatchEvent::Unreadable { .. }
            | WatchEvent::Reset => {}
        }
    }
}

/// A blocklist that can't be read, or none.
pub(super) async fn blocklist(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let subject = "$KV.catalog.blocklist";
    let removed = thief.send(subject, &[("KV-Operation", "DEL")], "").await?;
    let spoiled = thief.send(subject, &[], "{").await?;
    if !spoiled.is_accepted() && !removed.is_accepted() {
        return Ok(verdict([&removed, &spoiled]));
    }
    // Then nothing is built.
    wait_until("builds to be refused", LIMIT, async || {
        let (status, _) = scene.site.ask(&scene.finished[0].request).await?;
        Ok((status == 503).then_some(()))
    })
    .await?;
    scene.block_again().await?;
    wait_until("builds to be accepted", LIMIT, async || {
        let (status, _) = scene.site.ask(&scene.finished[0].request).await?;
        Ok(status.is_success().then_some(()))
    })
    .await?;
    Ok(Verdict::Possible)
}

/// What the gateway does for operators: requests builds, cancels and removes them, blocks modules, imports releases.
pub(super) async fn operate(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let request = scene.new_request();
    let asked = thief.ask("build.request", &request).await?;
    let mut answers = Vec::new();
    if let Answer::Accepted(view) = &asked {
        let id = view["id"].as_str().context("an id")?;
        scene.note_requested(id);
        scene.site.until(id, "success", LIMIT).await?;
        let purged = thief.ask("build.purge", &json!({"id": id})).await?;
        ensure!(purged.is_accepted(), "{purged:?}");
    }
    answers.push(asked);
    let unknown = json!({"id": scene.finished[0].key.as_str().replace(['0', '1'], "2")});
    for subject in ["build.cancel", "build.purge"] {
        answers.push(thief.ask(subject, &unknown).await?);
    }
    let import = json!({"module": IMPORTED, "version": "v1.1.0", "goVersions": ["1.26.8"]});
    answers.push(thief.ask("catalog.import", &import).await?);
    let modules = json!([{"module": "evil.example/*", "reason": "malware"}]);
    answers.push(
        thief
            .ask("catalog.block", &json!({"modules": modules}))
            .await?,
    );
    Ok(verdict(&answers))
}
