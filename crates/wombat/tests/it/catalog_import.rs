//! Imports of unknown modules into the running catalog, with the documentation of their components.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use wombat_testkit::{TestModule, wait_until};

use crate::proxy_scene::{COLD, Scene};

const MODULE: &str = "parts.example/acme";
const VERSION: &str = "v1.2.3";
const SHOUT: &str = r#"package shout

import (
	"context"

	"github.com/redpanda-data/benthos/v4/public/service"
)

func init() {
	spec := service.NewConfigSpec().Stable().
		Summary("Makes a message louder.").
		Field(service.NewIntField("times").Default(1).Description("How much louder."))
	err := service.RegisterProcessor("acme_shout", spec,
		func(*service.ParsedConfig, *service.Resources) (service.Processor, error) {
			return shout{}, nil
		})
	if err != nil {
		panic(err)
	}
}

type shout struct{}

func (shout) Process(_ context.Context, message *service.Message) (service.MessageBatch, error) {
	return service.MessageBatch{message}, nil
}

func (shout) Close(context.Context) error { return nil }
"#;
const BROKEN: &str = r#"package broken

import _ "github.com/redpanda-data/benthos/v4/public/service"

var Number int = "a text"
"#;
const PIPELINE: &str = "pipeline:\n  processors:\n    - acme_shout:\n        times: 2\n";

/// A third-party module: one package that works, one that doesn't compile, and a command.
fn module() -> TestModule {
    let go_mod = format!(
        "module {MODULE}\n\ngo 1.26.5\n\nrequire github.com/redpanda-data/benthos/v4 v4.77.0\n"
    );
    TestModule::new(MODULE, VERSION)
        .go_mod(go_mod)
        .file("shout/shout.go", SHOUT)
        .file("broken/broken.go", BROKEN)
        .file("cmd/tool/main.go", "package main\n\nfunc main() {}\n")
}

async fn ask(scene: &Scene, version: &str, token: Option<&str>) -> anyhow::Result<(u16, Value)> {
    let mut request = scene
        .site
        .client
        .post(format!("{}/api/catalog/imports", scene.site.url))
        .body(json!({"module": MODULE, "version": version}).to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok((status, serde_json::from_str(&response.text().await?)?))
}

async fn until(scene: &Scene, version: &str, wanted: &[&str]) -> anyhow::Result<Value> {
    let limit = Instant::now() + COLD;
    loop {
        let all = scene.site.json("/api/catalog/imports").await?;
        let imports = all["imports"].as_array().context("imports")?;
        let found = imports.iter().find(|import| import["version"] == version);
        let found = found.with_context(|| all.to_string())?;
        let status = found["status"].as_str().context("a status")?;
        if wanted.contains(&status) {
            return Ok(found.clone());
        }
        ensure!(status != "failed", "{found}");
        ensure!(Instant::now() < limit, "{found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn is_known_everywhere(scene: &Scene) -> anyhow::Result<()> {
    // At any instance: documentation, fields, sizes, and why the other package is missing.
    for _ in 0..10 {
        let answer = scene
            .site
            .json("/api/catalog/components/processor/acme_shout")
            .await?;
        let documentation = &answer["documentation"][0];
        assert_eq!(
            documentation["summary"], "Makes a message louder.",
            "{answer}"
        );
        let field = &documentation["config"]["children"][0];
        assert_eq!(
            (&field["name"], &field["description"]),
            (&json!("times"), &json!("How much louder.")),
            "{answer}"
        );
        let found = scene
            .site
            .json(&format!("/api/catalog?module={MODULE}"))
            .await?;
        let package = &found["packages"][0];
        assert_eq!(package["path"], format!("{MODULE}/shout"));
        assert_eq!(package["licence"], "apache");
        assert!(
            package["addedBytes"]
                .as_u64()
                .is_some_and(|bytes| bytes > 0),
            "{package}"
        );
    }
    let mut broken = wombat_testkit::a_request(&[]);
    broken["packages"] = json!([format!("{MODULE}/broken")]);
    let (status, problem) = scene.site.ask(&broken).await?;
    assert_eq!(status, 422);
    assert!(problem.to_string().contains("a text"), "{problem}");
    Ok(())
}

async fn is_found_and_built(scene: &Scene) -> anyhow::Result<()> {
    // Pasting its path finds it, and it is built.
    let select = scene
        .site
        .client
        .post(format!("{}/api/catalog/select", scene.site.url));
    let selected: Value = serde_json::from_str(&select.body(PIPELINE).send().await?.text().await?)?;
    assert_eq!(
        selected["request"]["packages"][0],
        format!("{MODULE}/shout"),
        "{selected}"
    );
    let mut wanted = wombat_testkit::a_request(&[]);
    wanted["components"] = json!(["processor/acme_shout"]);
    let id = scene.site.asked(&wanted).await?;
    scene.site.until(&id, "success", COLD).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_module_is_imported_and_every_instance_knows_it() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let other = scene.another_service().await?;
    scene.proxy.serve(&module())?;
    let admin = scene.token("admin").to_owned();

    assert_eq!(ask(&scene, VERSION, None).await?.0, 401);
    let (status, problem) = ask(&scene, "newest", Some(&admin)).await?;
    assert_eq!(
        (status, &problem["problems"][0]["field"]),
        (422, &json!("version")),
        "{problem}"
    );
    let (status, import) = ask(&scene, VERSION, Some(&admin)).await?;
    assert_eq!(
        (status, &import["status"]),
        (202, &json!("new")),
        "{import}"
    );

    // If the importing builder dies, the next one takes over.
    let mut builder = scene.builder(&["--lease", "5s"]).await?;
    let import = until(&scene, VERSION, &["importing"]).await?;
    builder.kill()?;
    wait_until("the builder to be gone", COLD, async || {
        let answer = scene.site.json("/api/builders").await?;
        Ok(answer["builders"]
            .as_array()
            .is_some_and(Vec::is_empty)
            .then_some(()))
    })
    .await?;
    let _builder = scene.builder(&["--lease", "5s"]).await?;
    let done = until(&scene, VERSION, &["success"]).await?;
    assert_ne!(done["builder"], import["builder"]);
    assert_eq!(done["packages"], 1, "{done}");

    Box::pin(is_known_everywhere(&scene)).await?;
    Box::pin(is_found_and_built(&scene)).await?;

    // A second import replaces the first one.
    let before = scene
        .site
        .json(&format!("/api/catalog?module={MODULE}"))
        .await?;
    let command = Command::new(env!("CARGO_BIN_EXE_wombat"))
        .args([
            "catalog",
            "import",
            &format!("{MODULE}@{VERSION}"),
            "--server",
            &scene.site.url,
        ])
        .env("WOMBAT_TOKEN", &admin)
        .output()?;
    let said = String::from_utf8_lossy(&command.stdout).into_owned();
    assert!(
        command.status.success(),
        "{said} {}",
        String::from_utf8_lossy(&command.stderr)
    );
    assert!(said.contains("in the catalog, 1 packages"), "{said}");
    let after = scene
        .site
        .json(&format!("/api/catalog?module={MODULE}"))
        .await?;
    assert_eq!(
        before["packages"][0]["components"],
        after["packages"][0]["components"]
    );
    assert_eq!(after["total"], 1);
    let (_connection, store) = scene.store().await?;
    let documents = store.documents.list().await?;
    assert_eq!(documents.len(), 1, "{documents:?}");
    drop(other);
    Ok(())
}
