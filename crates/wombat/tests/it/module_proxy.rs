//! Builds while the module proxy fails, with each kind of failure by itself.

use anyhow::ensure;
use wombat_testkit::{ProxyFault, TestModule, wait_until};

use crate::proxy_scene::{COLD, Scene, known, request};

/// A package that registers a component.
const PLAIN: &str =
    "package p\n\nimport _ \"github.com/redpanda-data/benthos/v4/public/service\"\n";
const VERSION: &str = "v1.2.3";

fn module(name: &str) -> TestModule {
    TestModule::new(&format!("failing.example/{name}"), VERSION).file("p/p.go", PLAIN)
}

/// A faulty module, and the expected message.
struct FaultyModule {
    module: TestModule,
    fault: Option<ProxyFault>,
    /// `None`: the build is retried, and succeeds once the proxy does.
    words: Option<&'static str>,
}

impl FaultyModule {
    fn passing(name: &str, fault: ProxyFault) -> Self {
        Self {
            module: module(name),
            fault: Some(fault),
            words: None,
        }
    }

    fn refused(name: &str, status: u16, words: &'static str) -> Self {
        Self {
            module: module(name),
            fault: Some(ProxyFault::Status(status)),
            words: Some(words),
        }
    }

    fn wrong(module: TestModule, words: &'static str) -> Self {
        Self {
            module,
            fault: None,
            words: Some(words),
        }
    }
}

fn cases() -> Vec<FaultyModule> {
    let go_mod = |name: &str, text: &str| module(name).go_mod(text);
    vec![
        FaultyModule::refused("s403", 403, "The module proxy refuses failing.example/s403"),
        FaultyModule::refused(
            "s404",
            404,
            "The module proxy doesn't have failing.example/s404",
        ),
        FaultyModule::refused(
            "s410",
            410,
            "The module proxy doesn't have failing.example/s410",
        ),
        FaultyModule::passing("s429", ProxyFault::Status(429)),
        FaultyModule::passing("s500", ProxyFault::Status(500)),
        FaultyModule::passing("s503", ProxyFault::Status(503)),
        FaultyModule::passing("hang", ProxyFault::Hang),
        FaultyModule::passing("cut", ProxyFault::Cut),
        FaultyModule::wrong(
            go_mod("path", "module failing.example/elsewhere\n\ngo 1.26.0\n"),
            "module declares its path as: failing.example/elsewhere",
        ),
        FaultyModule::wrong(
            go_mod("newer", "module failing.example/newer\n\ngo 1.99.0\n"),
            "needs a newer Go release",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_the_proxy_has_its_class_and_what_passes_heals() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let _builder = scene
        .builder(&["--goproxy-patience", "2s", "--workers", "10"])
        .await?;
    // The shared packages are compiled, so that only what fails takes time.
    scene.rebuild().await?;
    let cases = cases();
    let mut asked = Vec::new();
    for case in &cases {
        scene.proxy.serve(&case.module)?;
        if let Some(fault) = case.fault {
            scene.proxy.fail(case.module.path(), fault);
        }
        asked.push(scene.site.asked(&request(&case.module)).await?);
    }
    let (refused, passing): (Vec<_>, Vec<_>) = cases
        .iter()
        .zip(&asked)
        .partition(|(case, _)| case.words.is_some());
    for (_, id) in &passing {
        tried_again(&scene, id).await?;
    }
    for (case, _) in &passing {
        scene.proxy.heal(case.module.path());
    }
    for (case, id) in refused {
        let view = scene.site.until(id, "failed", COLD).await?;
        assert_eq!(view["failure"]["class"], "input", "{view}");
        let error = view["error"].as_str().unwrap_or_default();
        let words = case.words.unwrap_or_default();
        assert!(error.contains(words), "{words}: {view}");
    }
    for (_, id) in passing {
        let view = scene.site.until(id, "success", COLD).await?;
        assert_eq!(view["attempt"], 1, "by itself: {view}");
    }
    Ok(())
}

/// The log says that the holder retries, which it does only after failures of class `infra`.
async fn tried_again(scene: &Scene, id: &str) -> anyhow::Result<()> {
    wait_until("another try", COLD, async || {
        let view = scene.site.json(&format!("/api/builds/{id}")).await?;
        ensure!(view["finished"].is_null(), "{view}");
        let log = scene.log(&view).await?;
        Ok(log.contains("Trying again in").then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_stays_away_is_said_to() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let _builder = scene.builder(&[]).await?;
    let away = module("away");
    scene.proxy.serve(&away)?;
    scene.proxy.fail(away.path(), ProxyFault::Status(503));
    let (view, _) = scene.build(&away).await?;
    assert_eq!(view["failure"]["class"], "infra", "{view}");
    let error = view["error"].as_str().unwrap_or_default();
    assert!(
        error.starts_with("The module proxy failed: it answered 503"),
        "{view}"
    );
    // A new request retries it.
    scene.proxy.heal(away.path());
    let (view, _) = scene.build(&away).await?;
    assert_eq!(view["status"], "success", "{view}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_was_changed_is_not_built_and_not_kept() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let path = "github.com/Jeffail/gabs/v2";
    let changed = TestModule::new(path, "v2.7.0").file("gabs.go", "package gabs\n");
    let original = "github.com/!jeffail/gabs/v2/@v/v2.7.0.zip".to_owned();
    scene.proxy.replace(&original, changed.zip()?);
    // This builder asks the checksum database.
    let _builder = scene.checked_builder(&[]).await?;
    let id = scene.site.asked(&known()).await?;
    let view = scene.site.until(&id, "failed", COLD).await?;
    assert_eq!(view["failure"]["class"], "input", "{view}");
    let error = view["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("Security: "), "{view}");
    assert!(error.contains(path), "{view}");
    scene.proxy.restore(&original);
    scene.rebuild().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_comes_back_is_enough() -> anyhow::Result<()> {
    let mut scene = Scene::start().await?;
    scene.proxy.stop().await?;
    let _builder = scene.builder(&[]).await?;
    let id = scene.site.asked(&known()).await?;
    tried_again(&scene, &id).await?;
    let view = scene.site.json(&format!("/api/builds/{id}")).await?;
    let log = scene.log(&view).await?;
    assert!(log.contains("the connection to it failed"), "{log}");
    scene.proxy.start_again().await?;
    let view = scene.site.until(&id, "success", COLD).await?;
    assert_eq!(view["attempt"], 1, "by itself: {view}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_is_enough_when_the_proxy_is_gone() -> anyhow::Result<()> {
    let mut scene = Scene::start().await?;
    let builder = scene.builder(&[]).await?;
    let own = module("known");
    let (view, _) = scene.build(&own).await?;
    assert_eq!(view["status"], "success", "{view}");
    drop(builder);
    scene.proxy.stop().await?;
    for extra in [&[][..], &["--offline"]] {
        // Only what the relay stored is left.
        scene.forget_modules()?;
        let _builder = scene.builder(extra).await?;
        let again = scene.forced(&request(&own)).await?;
        assert!(view["sha256"].is_string(), "{view}");
        assert_eq!(again["sha256"], view["sha256"], "{again}");
    }
    let unknown = module("unknown");
    let _builder = scene.builder(&["--offline"]).await?;
    let id = scene.site.asked(&request(&unknown)).await?;
    let view = scene.site.until(&id, "failed", COLD).await?;
    let error = view["error"].as_str().unwrap_or_default();
    assert!(error.contains("this builder is offline"), "{view}");
    Ok(())
}
