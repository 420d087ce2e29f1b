//! Builds with modules from outside the catalog: lower limits, and workers and room that they can't take.

use serde_json::json;
use wombat_builder::IfUnfit;
use wombat_model::{Build, BuildKey, BuildSpec, FailureClass, Status, log::LogEvent};
use wombat_store::{LogsEvent, ProvisionOptions, Revision, SubmitOptions, provision};
use wombat_testkit::{a_spec, wait_until};

use crate::scene::{LIMIT, Running, Scene};

const CATALOGUED: &str = "v4.105.0";

impl Scene {
    /// Puts a release of a module into the catalog.
    async fn catalogue(&self, module: &str, version: &str) {
        let release = json!({
            "module": module, "version": version, "title": module, "goVersions": ["1.26.8"],
            "requires": {}, "componentRoot": "public/components", "packages": [],
        });
        let release = serde_json::from_value(release).unwrap();
        assert!(self.store.catalog.seed(release).await.unwrap());
    }

    /// A builder beside a catalog that has Redpanda Connect.
    async fn beside_catalog(&self, more: &[&str]) -> Running {
        self.catalogue("github.com/redpanda-data/connect/v4", CATALOGUED)
            .await;
        let builder = self.builder(true, IfUnfit::End, more).await;
        self.until_present(|presence| !presence.draining).await;
        builder
    }

    async fn request(&self, spec: &BuildSpec) -> BuildKey {
        let submitted =
            self.store
                .builds
                .submit(spec, SubmitOptions::default(), &self.store.artifacts);
        submitted.await.unwrap();
        spec.key()
    }

    async fn until_is(&self, key: &BuildKey, status: Status) -> Build {
        let is_it = async || {
            let record = self.store.builds.get(key).await?.map(|record| record.value);
            Ok(record.filter(|record| record.status() == status))
        };
        let what = format!("{key} is {status}");
        wait_until(&what, LIMIT, is_it).await.unwrap()
    }

    async fn status(&self, key: &BuildKey) -> Status {
        self.store
            .builds
            .get(key)
            .await
            .unwrap()
            .unwrap()
            .value
            .status()
    }
}

fn catalogued(package: &str) -> BuildSpec {
    a_spec().package(package).build()
}

/// Of a version that the catalog lacks.
fn uncatalogued(package: &str) -> BuildSpec {
    let spec = a_spec().package(package).build();
    let module = spec.graph().clone();
    BuildSpec::new(
        spec.target(),
        spec.go(),
        spec.packages().clone(),
        [(module.clone(), "v4.104.9".parse().unwrap())].into(),
        module,
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn uncatalogued_builds_have_lower_limits() {
    let scene = Scene::new().await;
    let limits = [
        "--uncatalogued-output-limit",
        "1MiB",
        "--uncatalogued-time-limit",
        "5s",
    ];
    let builder = scene.beside_catalog(&limits).await;
    scene.stub.makes_bytes(2 << 20).unwrap();
    let large = scene.request(&uncatalogued("large")).await;
    let failed = scene.until_is(&large, Status::Failed).await;
    let failure = failed.failure().unwrap();
    assert_eq!(failure.class, FailureClass::Input, "{failure:?}");
    let says = "more than the limit of 1 MiB of builds with modules from outside the catalog (the builder's option `--uncatalogued-output-limit`)";
    assert!(failure.message.contains(says), "{failure:?}");
    let honest = scene.request(&catalogued("large")).await;
    scene.until_is(&honest, Status::Success).await;

    scene.stub.makes_bytes(0).unwrap();
    scene.stub.takes_seconds(900.0).unwrap();
    let slow = scene.request(&uncatalogued("slow")).await;
    let failed = scene.until_is(&slow, Status::Failed).await;
    let failure = failed.failure().unwrap();
    assert_eq!(failure.class, FailureClass::Resource, "{failure:?}");
    let says = "longer than 5 seconds, which is the limit of builds with modules from outside the catalog (the builder's option `--uncatalogued-time-limit`).";
    assert!(failure.message.ends_with(says), "{failure:?}");
    scene.stub.until_gone().await.unwrap();
    builder.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_workers_takes_builds_of_the_catalog_alone() {
    let scene = Scene::new().await;
    let builder = scene
        .beside_catalog(&["--workers", "2", "--grace", "0s"])
        .await;
    scene
        .until_present(|presence| presence.catalog_workers == 1)
        .await;
    scene.stub.takes_seconds(900.0).unwrap();
    let first = scene.request(&uncatalogued("a")).await;
    scene.until_is(&first, Status::Building).await;
    let second = scene.request(&uncatalogued("b")).await;
    let honest = scene.request(&catalogued("c")).await;
    scene.until_is(&honest, Status::Building).await;
    assert_eq!(scene.status(&second).await, Status::New);
    scene
        .store
        .builds
        .cancel(&first)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    scene.until_is(&second, Status::Building).await;
    builder.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_worker_builds_the_catalogs_first_and_others_at_once_when_alone() {
    let scene = Scene::new().await;
    let builder = scene.beside_catalog(&["--grace", "0s"]).await;
    scene.stub.takes_seconds(900.0).unwrap();
    let alone = scene.request(&uncatalogued("a")).await;
    scene.until_is(&alone, Status::Building).await;
    let older = scene.request(&uncatalogued("b")).await;
    let honest = scene.request(&catalogued("c")).await;
    scene
        .store
        .builds
        .cancel(&alone)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    scene.until_is(&honest, Status::Building).await;
    assert_eq!(scene.status(&older).await, Status::New);
    builder.stopped().await;
}

impl Scene {
    /// Waits for a line with these words in the log of a build.
    async fn until_logged(&self, key: &BuildKey, words: &str) {
        let mut follower = self.store.logs.follow(key, Revision::ZERO);
        let looking = async {
            loop {
                let LogsEvent::Entry(logged) = follower.next().await else {
                    continue;
                };
                if let LogEvent::Lines { lines } = logged.entry.event
                    && lines.iter().any(|line| line.contains(words))
                {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, looking).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_of_other_modules_waits_for_room_below_that_of_the_catalog() {
    const MIB: usize = 1 << 20;
    let scene = Scene::new().await;
    let small = ProvisionOptions {
        artifacts_limit: Some(10 << 20),
        ..ProvisionOptions::default()
    };
    provision(&scene.connection, &small).await.unwrap();
    let artifacts = &scene.store.artifacts;
    for n in 0..9 {
        let content = vec![7; MIB];
        artifacts
            .put_bytes(&format!("o{n}"), &content)
            .await
            .unwrap();
    }
    let builder = scene.beside_catalog(&[]).await;
    let honest = scene.request(&catalogued("nats")).await;
    scene.until_is(&honest, Status::Success).await;
    let other = scene.request(&uncatalogued("nats")).await;
    let says = "its last 20 % are for builds of the catalog, so none with modules from outside the catalog is stored. Trying again";
    scene.until_logged(&other, says).await;
    for n in 0..4 {
        artifacts.remove(&format!("o{n}")).await.unwrap();
    }
    scene.until_is(&other, Status::Success).await;
    builder.stopped().await;
}
