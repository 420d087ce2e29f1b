//! The compile cache that builders share.

use anyhow::Context as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use wombat_model::Build;

use super::{
    scene::{LIMIT, Scene},
    thief::Thief,
    verdict::Verdict,
};

const FORK: &str = "evil.example/fork";

/// Module graphs and package lists that would make an honest builder build a fork.
pub(super) async fn module_graphs(scene: &Scene, thief: &Thief) -> anyhow::Result<Verdict> {
    let known = &scene.finished[0];
    let record = known.record.to_string();
    let now = scene.store.builds.server_time();
    let build = Build::from_record(known.key.as_str(), record.as_bytes(), now)?;
    let spec = build.spec();
    let (path, version) = (spec.graph(), spec.graph_version());
    // As version 0.1.0 named and wrote them.
    let set = json!({"resolver": 1, "graph": path, "modules": spec.modules()});
    let key = format!("graph.{}", hex::encode(Sha256::digest(set.to_string())));
    let graph = json!({
        "go_mod": format!(
            "module wombat/binary\n\ngo 1.26.0\n\nrequire (\n\t{path} {version}\n)\n\nreplace (\n\t{path} => {FORK} v1.0.0\n)\n"
        ),
        "go_sum": format!("{FORK} v1.0.0 h1:x=\n{FORK} v1.0.0/go.mod h1:y=\n"),
    });
    let graph = zstd::bulk::compress(graph.to_string().as_bytes(), 3)?;
    let answer = thief
        .send(&format!("$KV.gocache.{key}"), &[], graph)
        .await?;
    if !answer.is_accepted() {
        return Ok(answer.verdict());
    }
    // A builder that knows nothing yet.
    scene.renew_builder().await?;
    let id = scene.request(&scene.new_request()).await?;
    let view = scene.site.until(id.as_str(), "success", LIMIT).await?;
    let binary = scene.site.bytes(&id.artifact_path()).await?;
    let recipe = scene
        .site
        .bytes(&format!("/api/builds/{id}/recipe"))
        .await?;
    let modules = view["modules"].as_object().context("modules")?;
    let has_fork = [&binary, &recipe]
        .iter()
        .any(|it| memchr::memmem::find(it, FORK.as_bytes()).is_some());
    Ok(if has_fork || modules.contains_key(FORK) {
        Verdict::Possible
    } else {
        Verdict::Dropped
    })
}

/// A compiled package that no builder has stored.
pub(super) async fn new_package(thief: &Thief) -> anyhow::Result<Verdict> {
    let key = format!("$KV.gocache.entry.of-{}", thief.role);
    Ok(thief.send(&key, &[], "false code").await?.verdict())
}
