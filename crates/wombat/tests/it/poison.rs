//! Builds that attack the builder: each ends at its limit with a clear message, and other builds aren't affected. A
//! stand-in for `go` plays the part of a compiler that was taken over.

use std::time::Duration;

use tempfile::TempDir;
use wombat_model::{FailureClass, Status};
use wombat_testkit::{Poison, StubGo, a_spec};

use crate::builder_scene::Scene;

type Begin<'a> = &'a dyn Fn(&StubGo) -> anyhow::Result<()>;

const TIME_LIMIT: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_ends_at_its_limit_and_leaves_nothing() {
    let scene = Scene::new().await;
    let state = TempDir::new().unwrap();
    let limits = [
        "--build-time-limit",
        "10s",
        "--build-memory-limit",
        "256MiB",
        "--build-process-limit",
        "64",
        "--output-limit",
        "64MiB",
    ];
    let builder = scene.builder(state.path(), &limits).await;
    scene.until_present(1).await;
    let poisons: [(&str, Begin<'_>, &str); 5] = [
        (
            "flood",
            &|go| go.misbehaves(Poison::Flood),
            "printed more than",
        ),
        (
            "forks",
            &|go| go.misbehaves(Poison::Forks),
            "more than 64 processes",
        ),
        (
            "memory",
            &|go| go.misbehaves(Poison::Memory),
            "more than 256 MiB of memory",
        ),
        (
            "file",
            &|go| go.makes_bytes(10 << 30),
            "more than the limit of 64 MiB",
        ),
        ("hang", &|go| go.takes_seconds(900.0), "took longer"),
    ];
    for (n, (name, begin, words)) in poisons.iter().enumerate() {
        begin(&scene.stub).unwrap();
        let spec = a_spec().package(&format!("p{n}")).build();
        let key = scene.submit(&spec).await;
        let record = scene.until(&key, Status::Failed).await;
        // The limit counts from the claim, however long the build waited for it.
        let took = record.finished().unwrap() - record.claimed().unwrap();
        eprintln!("{name}: {took:?}");
        let failure = record.failure().unwrap();
        assert_eq!(failure.class, FailureClass::Resource, "{name}: {failure:?}");
        assert!(failure.message.contains(words), "{name}: {failure:?}");
        assert!(
            took < TIME_LIMIT + Duration::from_secs(2),
            "{name}: {took:?}"
        );
        assert!(scene.stub.running().is_empty(), "{name}: something runs on");
        let jobs = std::fs::read_dir(state.path().join("builder/jobs")).unwrap();
        assert_eq!(jobs.count(), 0, "{name}: something is left");
        scene.stub.behaves();
        scene.stub.makes_bytes(0).unwrap();
        scene.stub.takes_seconds(0.0).unwrap();
    }
    let key = scene.submit(&a_spec().build()).await;
    scene.until(&key, Status::Success).await;
    builder.stopped().await;
}
