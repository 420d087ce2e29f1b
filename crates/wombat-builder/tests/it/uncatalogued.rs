//! Builds with modules from outside the catalog: lower limits, and workers that they can't take.

use serde_json::json;
use wombat_builder::IfUnfit;
use wombat_model::{Build, BuildKey, BuildSpec, FailureClass, Status};
use wombat_store::SubmitOptions;
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
