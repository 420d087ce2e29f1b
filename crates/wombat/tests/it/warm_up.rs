//! Builders that compile ahead while no build waits, over a real NATS, with a stand-in for `go`.

use tempfile::TempDir;
use wombat_model::{Status, catalog::Release};
use wombat_testkit::{a_spec, wait_until};

use crate::builder_scene::{LIMIT, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn compiling_ahead_makes_way_for_a_build_and_goes_on_after_it() {
    let scene = Scene::new().await;
    scene
        .store
        .catalog
        .store(connect(), wombat_store::Revision::new(u64::MAX))
        .await
        .unwrap();
    scene.stub.takes_seconds(600.0).unwrap();
    let state = TempDir::new().unwrap();
    let builder = scene.builder(state.path(), &["--warm", "base"]).await;
    scene.until_compiling().await;
    let ahead = scene.stub.builds();
    assert_eq!(ahead.len(), 1);
    assert_eq!(builder.counters.claims_won(), 0, "no build was requested");

    // Ten minutes of work are left: only a builder that interrupts it can be done in time.
    scene.stub.takes_seconds(0.0).unwrap();
    let spec = a_spec().build();
    let key = scene.submit(&spec).await;
    let record = scene.until(&key, Status::Success).await;
    assert_eq!(record.attempt(), 1);

    let asked = spec.key().hash().short().to_owned();
    let again = wait_until("compiling ahead to begin anew", LIMIT, async || {
        let builds = scene.stub.builds();
        Ok((builds.len() > 2).then_some(builds))
    })
    .await
    .unwrap();
    assert!(asked.starts_with(&again[1]) || again[1].starts_with(&asked));
    assert_eq!(again[2], ahead[0]);
    builder.stopped().await;
    assert!(scene.stub.running().is_empty(), "what made way is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_compiled_ahead_where_it_is_off() {
    let scene = Scene::new().await;
    scene
        .store
        .catalog
        .store(connect(), wombat_store::Revision::new(u64::MAX))
        .await
        .unwrap();
    let state = TempDir::new().unwrap();
    let idle = TempDir::new().unwrap();
    let off = scene.builder(idle.path(), &["--warm", "off"]).await;
    // The other builder shows that there was enough time and reason.
    let on = scene.builder(state.path(), &["--warm", "base"]).await;
    wait_until("one to compile ahead", LIMIT, async || {
        Ok((!scene.stub.builds().is_empty()).then_some(()))
    })
    .await
    .unwrap();
    on.stopped().await;
    off.stopped().await;
    assert_eq!(scene.stub.builds().len(), 1);
}

fn connect() -> Release {
    serde_json::from_value(serde_json::json!({
        "module": "github.com/redpanda-data/connect/v4",
        "version": "v4.105.0",
        "title": "Redpanda Connect",
        "goVersions": ["1.26.8"],
        "requires": {"github.com/redpanda-data/benthos/v4": "v4.77.0"},
        "componentRoot": "public/components",
        "packages": [],
    }))
    .unwrap()
}
