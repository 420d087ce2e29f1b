//! The store of an earlier release: this program lists it, serves it and continues its builds.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wombat_testkit::{
    NatsServer, NatsServerConfig, Site, StubGo, Wombat, a_distinct_request, artifact_path,
    wait_until,
};

use crate::{program, tokens::Tokens};

const LIMIT: Duration = Duration::from_mins(2);
/// Seconds after the end of the store: its builders are gone, and its logs still exist.
const LATER: i64 = 3600;
/// Fields that may differ in a later release: times, and positions in a stream.
const STAYS: [&str; 17] = [
    "goos",
    "goarch",
    "goversion",
    "packages",
    "modules",
    "status",
    "attempt",
    "builder",
    "claim",
    "artifact",
    "size",
    "sha256",
    "expired",
    "error",
    "failure",
    "lastError",
    "notReproducible",
];

/// The store, its nats-server, and the roles that only read.
struct Scene {
    folder: TempDir,
    nats: NatsServer,
    expected: Value,
    tokens: Tokens,
    own_builder: String,
    said_by_setup: String,
    changed_by_setup: Vec<String>,
}

impl Scene {
    async fn unpacked() -> anyhow::Result<Self> {
        let (folder, nats, expected) = old_server()?;
        let before = configurations(&nats).await?;
        let setup = program()
            .command()
            .args(["setup", "--nats-url", &nats.url()])
            .output()?;
        let said_by_setup = String::from_utf8_lossy(&setup.stdout).into_owned()
            + &String::from_utf8_lossy(&setup.stderr);
        ensure!(setup.status.success(), "{said_by_setup}");
        let after = configurations(&nats).await?;
        let changed = after
            .iter()
            .filter(|(name, config)| before.get(*name) != Some(config));
        Ok(Self {
            own_builder: own_builder(folder.path())?,
            changed_by_setup: changed.map(|(name, _)| name.clone()).collect(),
            folder,
            nats,
            expected,
            tokens: Tokens::new()?,
            said_by_setup,
        })
    }

    fn state(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    async fn looking(&self) -> anyhow::Result<(Wombat, Wombat, Site)> {
        let url = self.nats.url();
        // The records are as old as the fixture.
        let keep = ["--keep-days", "36500"];
        let service = [&["service", "--nats-url", &url][..], &keep].concat();
        let service = program().start_in(&self.state(), &service)?;
        let tokens = self.tokens.path()?;
        let words = ["api", "--nats-url", &url, "--http", "127.0.0.1:0"];
        let api = [&words[..], &["--tokens", &tokens]].concat();
        let api = program().start_in(&self.state(), &api)?;
        let site = Site::new(api.first_line()?);
        site.until_ready().await?;
        Ok((service, api, site))
    }

    fn builds(&self) -> impl Iterator<Item = (&str, &Value, &str)> {
        let builds = self.expected["builds"].as_array();
        builds.into_iter().flatten().map(|build| {
            let view = &build["view"];
            let (id, log) = (view["id"].as_str(), build["log"].as_str());
            (id.unwrap(), view, log.unwrap())
        })
    }
}

/// The state folder of version 0.1.0, a nats-server with its data, and what it answered.
pub(crate) fn old_server() -> anyhow::Result<(TempDir, NatsServer, Value)> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-v0.1.0");
    let expected = std::fs::read(fixture.join("expected.json"))?;
    let expected: Value = serde_json::from_slice(&expected)?;
    let folder = TempDir::with_prefix("wombat-old-store-")?;
    unpack(&fixture.join("state.tar.zst"), folder.path())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let made = expected["madeAt"].as_i64().context("a time")?;
    let nats = NatsServer::with(&NatsServerConfig {
        own_users: true,
        clock_offset: Some(made + LATER - i64::try_from(now)?),
        store: Some(folder.path().join("nats/jetstream")),
        ..NatsServerConfig::default()
    })?;
    Ok((folder, nats, expected))
}

/// The builder whose folder is in the store.
fn own_builder(state: &Path) -> anyhow::Result<String> {
    let owner: Value = serde_json::from_slice(&std::fs::read(state.join("builder/owner"))?)?;
    Ok(owner["builder"].as_str().context("a name")?.to_owned())
}

fn unpack(archive: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut decoder = zstd::Decoder::new(File::open(archive)?)?;
    decoder.window_log_max(27)?;
    let mut tar = Command::new("tar")
        .args(["--extract", "--no-same-owner", "--directory"])
        .arg(folder)
        .stdin(Stdio::piped())
        .spawn()?;
    std::io::copy(&mut decoder, &mut tar.stdin.take().context("a pipe")?)?;
    let status = tar.wait()?;
    ensure!(status.success(), "tar: {status}");
    Ok(())
}

/// How each stream is set up.
async fn configurations(nats: &NatsServer) -> anyhow::Result<BTreeMap<String, Value>> {
    let connection = nats.connection().await?;
    let ask = async |subject: String| -> anyhow::Result<Value> {
        let answer = connection.client().request(subject, "".into()).await?;
        Ok(serde_json::from_slice(&answer.payload)?)
    };
    let names = ask("$JS.API.STREAM.NAMES".to_owned()).await?;
    let mut all = BTreeMap::new();
    for name in names["streams"].as_array().context("streams")? {
        let name = name.as_str().context("a name")?;
        let info = ask(format!("$JS.API.STREAM.INFO.{name}")).await?;
        all.insert(name.to_owned(), info["config"].clone());
    }
    Ok(all)
}

/// A list of everything that shouldn't change.
async fn listed(site: &Site) -> anyhow::Result<BTreeMap<String, Value>> {
    let page = site.json("/api/builds?limit=100").await?;
    let builds = page["builds"].as_array().context("builds")?;
    ensure!(page["total"] == builds.len(), "{}", page["total"]);
    let builds = builds.iter().map(|build| {
        let id = build["id"].as_str().context("an id")?;
        Ok((id.to_owned(), build.clone()))
    });
    builds.collect()
}

fn same(found: &Value, expected: &Value) -> anyhow::Result<()> {
    for field in STAYS {
        ensure!(
            found[field] == expected[field],
            "{field} of {}: {} instead of {}",
            expected["id"],
            found[field],
            expected[field]
        );
    }
    Ok(())
}

async fn downloaded(site: &Site, id: &str) -> anyhow::Result<String> {
    let response = site.get(&artifact_path(id)).await?;
    let status = response.status();
    let bytes = response.bytes().await?;
    ensure!(status.is_success(), "{id}: {status} {bytes:?}");
    Ok(hex::encode(Sha256::digest(&bytes)))
}

async fn everything_is_shown(scene: &Scene, site: &Site) -> anyhow::Result<()> {
    let list = wait_until("all to be listed", LIMIT, async || {
        let list = listed(site).await?;
        Ok((list.len() >= scene.builds().count()).then_some(list))
    })
    .await?;
    assert_eq!(list.len(), 30, "each once");
    for (id, expected, log) in scene.builds() {
        same(
            list.get(id).with_context(|| format!("{id} is listed"))?,
            expected,
        )?;
        same(&site.json(&format!("/api/builds/{id}")).await?, expected)?;
        let found = site.get(&format!("/api/builds/{id}/log")).await?;
        assert_eq!(found.text().await?, log, "the log of {id}");
        if expected["expired"] == true {
            assert_eq!(site.get(&artifact_path(id)).await?.status(), 410, "{id}");
        } else if let Some(sha256) = expected["sha256"].as_str() {
            assert_eq!(downloaded(site, id).await?, sha256, "{id}");
            let recipe = site.json(&format!("/api/builds/{id}/recipe")).await?;
            assert_eq!(recipe["sha256"], sha256, "the recipe of {id}");
        }
    }
    for (id, contents) in scene.expected["contents"].as_object().context("contents")? {
        let found = site.json(&format!("/api/builds/{id}/contents")).await?;
        assert_eq!(found["modules"], contents["modules"], "{id}");
    }
    catalog_is_there(scene, site).await
}

async fn catalog_is_there(scene: &Scene, site: &Site) -> anyhow::Result<()> {
    let imports = site.json("/api/catalog/imports").await?;
    assert_eq!(imports["imports"], scene.expected["imports"]);
    let component = site
        .json("/api/catalog/components/processor/acme_shout")
        .await?;
    let documentation = &component["documentation"][0];
    assert_eq!(documentation["summary"], "Makes a message louder.");
    let blocklist = site
        .client
        .get(format!("{}/api/blocklist", site.url))
        .bearer_auth(scene.tokens.of("operator"))
        .send()
        .await?;
    let blocklist: Value = serde_json::from_str(&blocklist.text().await?)?;
    assert_eq!(blocklist["modules"], scene.expected["blocklist"]);
    let mut blocked = a_distinct_request(0);
    blocked["packages"] = json!(["github.com/evil/thing/p"]);
    blocked["modules"] = json!({"github.com/evil/thing": "v1.0.0"});
    let (status, problem) = site.ask(&blocked).await?;
    assert!(status.is_client_error(), "{status} {problem}");
    Ok(())
}

/// Open builds end well, whichever builder had them; finished ones stay as they were.
async fn all_is_built(scene: &Scene, site: &Site, go: &StubGo) -> anyhow::Result<()> {
    let own = &scene.own_builder;
    let open = |view: &Value| view["status"] == "new" || view["status"] == "building";
    for (id, expected, _) in scene.builds().filter(|(_, view, _)| open(view)) {
        let view = site.until(id, "success", LIMIT).await?;
        assert_eq!(
            downloaded(site, id).await?,
            view["sha256"].as_str().unwrap()
        );
        // The folder's own builder returns its builds; those of the other one are taken over.
        let others = expected["status"] == "building" && expected["builder"] != own.as_str();
        assert_eq!(view["attempt"], if others { 2 } else { 1 }, "{view}");
    }
    assert_eq!(go.builds().len(), 10, "each once");

    let mut as_before = a_distinct_request(0);
    as_before["template"] = 1.into();
    let id = &site.asked(&as_before).await?;
    let (_, before, _) = scene
        .builds()
        .find(|(known, _, _)| known == id)
        .context("a known one")?;
    assert_eq!(before["expired"], true);
    let view = site.until(id, "success", LIMIT).await?;
    assert_eq!(view["expired"], Value::Null, "{view}");
    assert_eq!(
        downloaded(site, id).await?,
        view["sha256"].as_str().unwrap()
    );

    let list = listed(site).await?;
    for (id, expected, _) in scene
        .builds()
        .filter(|(other, view, _)| !open(view) && *other != id)
    {
        same(&list[id], expected)?;
    }
    assert_eq!(list.len(), 30, "each once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_of_v0_1_0_is_listed_served_and_gone_on_with() -> anyhow::Result<()> {
    let scene = Scene::unpacked().await?;
    println!("setup: {}", scene.said_by_setup);
    assert!(
        scene.said_by_setup.contains("ready"),
        "{}",
        scene.said_by_setup
    );
    for name in &scene.changed_by_setup {
        let shown = name.trim_start_matches("KV_").trim_start_matches("OBJ_");
        assert!(
            scene.said_by_setup.lines().any(|line| line.contains(shown)),
            "setup changed {name} and says nothing of it: {}",
            scene.said_by_setup
        );
    }

    let (_service, _api, site) = scene.looking().await?;
    Box::pin(everything_is_shown(&scene, &site)).await?;

    let go = StubGo::new()?;
    let (url, stub, allowed) = (scene.nats.url(), go.program(), go.folder());
    let (stub, allowed) = (stub.display().to_string(), allowed.display().to_string());
    let mut words = vec!["builder", "--nats-url", &url, "--go", &stub];
    words.extend(["--sandbox-allow", &allowed, "--warm", "off"]);
    words.extend(["--min-free-disk", "0", "--lease", "5s"]);
    let _builder = program().start_in(&scene.state(), &words)?;
    Box::pin(all_is_built(&scene, &site, &go)).await
}
