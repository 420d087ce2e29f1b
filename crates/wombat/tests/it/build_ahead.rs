//! Baskets are built before their build is requested, over a real NATS, with a stand-in for `go`.

use std::path::Path;

use tempfile::TempDir;
use wombat_model::{Build, BuildSpec, Status, wire::AheadOrder};
use wombat_store::roles::NatsRole;
use wombat_testkit::{SpecBuilder, a_spec, wait_until};

use crate::builder_scene::{LIMIT, Running, Scene};

struct Ahead {
    scene: Scene,
    builder: Running,
    state: TempDir,
}

impl Ahead {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let state = TempDir::new().unwrap();
        let builder = scene.builder(state.path(), &["--warm", "off"]).await;
        Self {
            scene,
            builder,
            state,
        }
    }

    /// Repeats the order until it is begun: one that is sent before the builder listens is lost, as in production.
    async fn order_until_begun(&self, client: &str, spec: &BuildSpec) {
        let hash = spec.key().hash().short().to_owned();
        let service = self.scene.nats.connection_as(NatsRole::Service);
        let service = service.await.unwrap();
        wait_until("it is begun ahead", LIMIT, async || {
            if let Some(builder) = self.only_builder().await {
                let build = Build::new(spec.clone(), 1, time::OffsetDateTime::now_utc());
                let client = client.to_owned();
                let order = AheadOrder {
                    client,
                    builder,
                    build,
                };
                service.order_ahead(&order).await?;
            }
            let begun = self.scene.stub.builds();
            Ok(begun
                .last()
                .is_some_and(|last| hash.starts_with(last))
                .then_some(()))
        })
        .await
        .unwrap();
    }

    async fn only_builder(&self) -> Option<wombat_model::BuilderId> {
        let mut watcher = self.scene.store.builders.watch();
        loop {
            match watcher.next().await {
                wombat_store::WatchEvent::Value { record, .. } => {
                    return Some(record.value.builder);
                }
                wombat_store::WatchEvent::Ready => return None,
                _ => {}
            }
        }
    }
}

/// Two specs that differ.
fn specs() -> [BuildSpec; 2] {
    [a_spec(), a_spec().package("kafka")].map(SpecBuilder::build)
}

fn jobs(state: &Path) -> usize {
    std::fs::read_dir(state.join("builder/jobs")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_built_ahead_is_there_at_once_and_only_once() {
    let ahead = Box::pin(Ahead::new()).await;
    let [spec, _] = specs();
    ahead.order_until_begun("somebody", &spec).await;
    let state = ahead.state.path();
    wait_until("it is kept", LIMIT, async || {
        let quiet = ahead.scene.stub.running().is_empty();
        Ok((quiet && jobs(state) == 1).then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(
        ahead.builder.counters.claims_won(),
        0,
        "no build was requested"
    );
    assert!(
        ahead
            .scene
            .store
            .builds
            .get(&spec.key())
            .await
            .unwrap()
            .is_none()
    );

    // Ten minutes if it has to be built.
    ahead.scene.stub.takes_seconds(600.0).unwrap();
    let key = ahead.scene.submit(&spec).await;
    let record = ahead.scene.until(&key, Status::Success).await;
    assert_eq!(record.attempt(), 1);
    assert_eq!(ahead.scene.stub.builds().len(), 1);
    ahead.builder.stopped().await;
    assert_eq!(jobs(ahead.state.path()), 0, "nothing stays behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_joins_what_is_half_done() {
    let ahead = Box::pin(Ahead::new()).await;
    let [spec, _] = specs();
    ahead.scene.stub.takes_seconds(3.0).unwrap();
    ahead.order_until_begun("somebody", &spec).await;
    let key = ahead.scene.submit(&spec).await;
    ahead.scene.until(&key, Status::Success).await;
    assert_eq!(ahead.scene.stub.builds().len(), 1, "it was built once");
    ahead.builder.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_build_or_another_basket_ends_it() {
    let ahead = Box::pin(Ahead::new()).await;
    let [spec, other] = specs();
    ahead.scene.stub.takes_seconds(600.0).unwrap();
    ahead.order_until_begun("somebody", &spec).await;
    // The basket changes while its old content would take ten more minutes.
    ahead.order_until_begun("somebody", &other).await;
    ahead.scene.until_compiling().await;

    ahead.scene.stub.takes_seconds(0.0).unwrap();
    let key = ahead.scene.submit(&spec).await;
    ahead.scene.until(&key, Status::Success).await;
    ahead.builder.stopped().await;
    assert!(
        ahead.scene.stub.running().is_empty(),
        "what made way is gone"
    );
}
