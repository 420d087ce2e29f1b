//! Thirty builds, at least one in each state, and what the catalog has besides the program's own releases.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use wombat_testkit::{Site, Wombat, a_distinct_request, a_request, wait_until};

use crate::{
    programs,
    scene::{LIMIT, Scene, send},
};

const MODULE: &str = "parts.example/acme";
/// The output of `go build -json` for a package that doesn't compile.
const COMPILE_ERROR: &str = r##"{"ImportPath":"stub.example/below","Action":"build-output","Output":"# stub.example/below\n"}
{"ImportPath":"stub.example/below","Action":"build-output","Output":"below.go:3:1: undefined: x\n"}
{"ImportPath":"stub.example/below","Action":"build-fail"}
"##;
/// How builds fail: standard output and standard error of the compiler, and the class of the failure.
const FAILURES: [(&str, &str, &str); 5] = [
    ("", "package stub.example/none is not in std", "input"),
    (COMPILE_ERROR, "", "compile"),
    ("", "link: signal: killed", "resource"),
    ("", "words that are known nowhere", "internal"),
    ("", "proxy: 503 Service Unavailable", "infra"),
];

/// Two binaries that retention removes, and one that it keeps: builds 0 to 2.
pub(crate) async fn expired(scene: &Scene) -> anyhow::Result<()> {
    let small = ["--artifacts-mib", "10", "--keep-percent", "1"];
    let soon = ["--keep-at-least", "0", "--janitor-interval", "1"];
    let (mut up, site) = scene.up(&[small, soon].concat()).await?;
    scene.go.makes_bytes(60 * 1024)?;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(built(&site, n).await?);
    }
    for id in &ids[..2] {
        wait_until("an old binary to be removed", LIMIT, async || {
            let view = site.json(&format!("/api/builds/{id}")).await?;
            Ok((view["expired"] == true).then_some(()))
        })
        .await?;
    }
    scene.go.makes_bytes(0)?;
    up.terminate()?;
    ensure!(up.ended(LIMIT)?.success(), "{}", up.log_text());
    Ok(())
}

/// All other builds. Returns what a current program must find. At the end everything is killed.
pub(crate) async fn everything(scene: &Scene) -> anyhow::Result<Value> {
    let (up, site) = scene.up(&["--artifacts-mib", "1024"]).await?;
    for n in 3..12_u32 {
        built(&site, n).await?;
    }
    let (plain, shout) = programs::link(scene.folder.path())?;
    scene.go.links(&[("package", &plain)])?;
    let mut whole = vec![built(&site, 12).await?];
    scene.go.links_nothing();

    // Rebuilt: once in vain, once with other bytes.
    scene.go.fails(COMPILE_ERROR, "")?;
    let id = forced(&site, 3).await?;
    until(&site, &id, |view| view["lastError"].is_string()).await?;
    scene.go.works();
    scene.go.makes_bytes(100)?;
    let id = forced(&site, 4).await?;
    until(&site, &id, |view| view["notReproducible"] == true).await?;
    scene.go.makes_bytes(0)?;

    for (n, (prints, words, class)) in (13..).zip(FAILURES) {
        scene.go.fails(prints, words)?;
        let id = site.asked(&a_distinct_request(n)).await?;
        let view = until(&site, &id, |view| view["status"] == "failed").await?;
        ensure!(view["failure"]["class"] == class, "{view}");
        scene.go.works();
    }

    scene
        .go
        .links(&[("parts.example", &shout), ("package", &plain)])?;
    whole.push(imported(scene, &site).await?);
    scene.go.links_nothing();
    let block = json!({"modules": [{"module": "github.com/evil/*", "reason": "malware"}]});
    let put = site.client.put(format!("{}/api/blocklist", site.url));
    send(put.body(block.to_string())).await?;

    lost_and_cancelled(scene, &site).await?;
    let builder = open_ones(scene, &site).await?;
    let expected = found(&site, &whole).await?;
    // Killed without a goodbye: no other builder may take its builds over before the end.
    drop(builder);
    scene.cut_off(up).await?;
    Ok(expected)
}

/// A module that the stand-in offers is imported, and its package is built.
async fn imported(scene: &Scene, site: &Site) -> anyhow::Result<String> {
    let benthos = "github.com/redpanda-data/benthos/v4";
    scene
        .go
        .requires(&json!([{"Path": benthos, "Version": "v4.77.0"}]))?;
    scene.go.offers(&[json!({
        "ImportPath": format!("{MODULE}/shout"), "Name": "shout", "Imports": [format!("{benthos}/public/service")],
    })])?;
    let ask = json!({"module": MODULE, "version": "v1.2.3"});
    let post = site
        .client
        .post(format!("{}/api/catalog/imports", site.url));
    send(post.body(ask.to_string())).await?;
    wait_until("the import to be done", LIMIT, async || {
        let all = site.json("/api/catalog/imports").await?;
        let import = &all["imports"][0];
        ensure!(import["status"] != "failed", "{import}");
        Ok((import["status"] == "success").then_some(()))
    })
    .await?;
    let mut request = a_request(&[]);
    request["components"] = json!(["processor/acme_shout"]);
    let id = wait_until("the component to be known", LIMIT, async || {
        let (status, view) = site.ask(&request).await?;
        Ok(view["id"]
            .as_str()
            .filter(|_| status.is_success())
            .map(str::to_owned))
    })
    .await?;
    site.until(&id, "success", LIMIT).await?;
    scene.go.requires(&json!([]))?;
    Ok(id)
}

/// One build that lost its builder three times, one that was cancelled while building, and one while waiting.
async fn lost_and_cancelled(scene: &Scene, site: &Site) -> anyhow::Result<()> {
    scene.go.takes_seconds(36000.0)?;
    let busy = site.asked(&a_distinct_request(18)).await?;
    scene.go.until_compiling().await?;
    let lost = site.asked(&a_distinct_request(19)).await?;
    for attempt in 1..=3 {
        let mut builder = scene.builder(&["--lease", "5s", "--workers", "1"])?;
        until(site, &lost, |view| {
            view["status"] == "building" && view["attempt"] == attempt
        })
        .await?;
        builder.kill()?;
        until(site, &lost, |view| view["status"] != "building").await?;
    }
    let view = site.json(&format!("/api/builds/{lost}")).await?;
    ensure!(view["failure"]["class"] == "lost", "{view}");
    let waiting = site.asked(&a_distinct_request(20)).await?;
    for id in [&waiting, &busy] {
        let delete = site.client.delete(format!("{}/api/builds/{id}", site.url));
        send(delete).await?;
    }
    scene.go.until_gone().await
}

/// Three builds on two builders, one of them a rebuild; then waiting ones, one of them a rebuild. Returns the builder
/// that isn't part of `wombat up`.
async fn open_ones(scene: &Scene, site: &Site) -> anyhow::Result<Wombat> {
    let id = site.asked(&a_distinct_request(21)).await?;
    site.until(&id, "building", LIMIT).await?;
    let builder = scene.builder(&["--lease", "10m", "--workers", "2"])?;
    site.until_builders(2).await?;
    let id = site.asked(&a_distinct_request(22)).await?;
    site.until(&id, "building", LIMIT).await?;
    let id = forced(site, 5).await?;
    until(site, &id, |view| view["status"] == "building").await?;
    for n in 23..29 {
        site.asked(&a_distinct_request(n)).await?;
    }
    forced(site, 6).await?;
    wait_until("all to be compiling", LIMIT, async || {
        Ok((scene.go.running().len() >= 6).then_some(()))
    })
    .await?;
    Ok(builder)
}

/// What a current program must find.
async fn found(site: &Site, whole: &[String]) -> anyhow::Result<Value> {
    let page = wait_until("all to be listed as they are", LIMIT, async || {
        let page = site.json("/api/builds?limit=100").await?;
        let builds = page["builds"].as_array().context("builds")?;
        for build in builds {
            let id = build["id"].as_str().context("an id")?;
            let view = site.json(&format!("/api/builds/{id}")).await?;
            if view["revision"] != build["revision"] {
                return Ok(None);
            }
        }
        Ok((builds.len() == 30).then(|| page.clone()))
    })
    .await?;
    let mut builds = Vec::new();
    for build in page["builds"].as_array().context("builds")? {
        let id = build["id"].as_str().context("an id")?;
        let log = site.get(&format!("/api/builds/{id}/log")).await?;
        let mut build = build.clone();
        let fields = build.as_object_mut().context("an object")?;
        // These change with time.
        for field in ["queue", "etaSeconds", "phase", "progress"] {
            fields.remove(field);
        }
        builds.push(json!({"view": build, "log": log.text().await?}));
    }
    let mut contents = serde_json::Map::new();
    for id in whole {
        let path = format!("/api/builds/{id}/contents");
        contents.insert(id.clone(), site.json(&path).await?);
    }
    Ok(json!({
        "madeBy": site.json("/api/version").await?["version"],
        "madeAt": time::OffsetDateTime::now_utc().unix_timestamp(),
        "imports": site.json("/api/catalog/imports").await?["imports"],
        "blocklist": site.json("/api/blocklist").await?["modules"],
        "contents": contents,
        "builds": builds,
    }))
}

async fn built(site: &Site, n: u32) -> anyhow::Result<String> {
    let id = site.asked(&a_distinct_request(n)).await?;
    site.until(&id, "success", LIMIT).await?;
    Ok(id)
}

async fn forced(site: &Site, n: u32) -> anyhow::Result<String> {
    let mut request = a_distinct_request(n);
    request["force"] = true.into();
    site.asked(&request).await
}

async fn until(site: &Site, id: &str, holds: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let path = format!("/api/builds/{id}");
    wait_until(&format!("{id} to come that far"), LIMIT, async || {
        let view = site.json(&path).await?;
        Ok(holds(&view).then_some(view))
    })
    .await
}
