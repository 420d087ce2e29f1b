//! Builders over a real NATS, with a stand-in for `go`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use wombat_model::{
    FailureClass, Status,
    log::{LogEvent, Phase},
};
use wombat_testkit::{NatsServer, a_spec, wait_until};

use crate::builder_scene::{LIMIT, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_before_is_built_at_start() {
    let scene = Scene::new().await;
    let spec = a_spec().build();
    let key = scene.submit(&spec).await;
    let state = TempDir::new().unwrap();
    let builder = scene.builder(state.path(), &[]).await;
    let record = scene.until(&key, Status::Success).await;
    assert_eq!(record.attempt(), 1);

    let artifact = record.artifact().unwrap();
    let file = state.path().join("fetched");
    assert!(
        scene
            .store
            .artifacts
            .fetch(&artifact.name, &artifact.sha256, &file)
            .await
            .unwrap()
    );
    assert_eq!(std::fs::metadata(&file).unwrap().len(), artifact.size);
    let phases: Vec<Phase> = record.timings().keys().copied().collect();
    assert_eq!(
        phases,
        [
            Phase::Resolve,
            Phase::Download,
            Phase::Compile,
            Phase::Link,
            Phase::Upload
        ]
    );

    let recipe = scene
        .store
        .artifacts
        .bytes(&format!("{}.recipe", artifact.name), 1 << 20)
        .await
        .unwrap()
        .unwrap();
    let recipe: serde_json::Value = serde_json::from_slice(&recipe).unwrap();
    assert_eq!(recipe["sha256"], artifact.sha256.as_str());
    assert!(
        recipe["files"]["main.go"]
            .as_str()
            .unwrap()
            .contains("/components/nats\"")
    );
    wait_until("the link", LIMIT, async || {
        let link = scene
            .store
            .artifacts
            .find(key.as_str())
            .await?
            .and_then(|object| object.link);
        Ok(link.filter(|target| target == artifact.name.as_str()))
    })
    .await
    .unwrap();

    let events = scene.log(&key).await;
    assert!(
        matches!(&events[0], LogEvent::Claimed { attempt: 1, builder } if *builder == artifact.builder)
    );
    let mut told: Vec<Phase> = events
        .iter()
        .filter_map(|event| match event {
            LogEvent::Phase { phase, .. } => Some(*phase),
            LogEvent::Claimed { .. }
            | LogEvent::Lines { .. }
            | LogEvent::Gap { .. }
            | LogEvent::End { .. } => None,
        })
        .collect();
    told.dedup();
    assert_eq!(told, phases);
    assert_eq!(
        events.last(),
        Some(&LogEvent::End {
            status: Status::Success
        })
    );
    builder.stopped().await;
    assert_eq!(
        std::fs::read_dir(state.path().join("builder/jobs"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_kills_the_compiler_within_a_second() {
    let scene = Scene::new().await;
    scene.stub.takes_seconds(600.0).unwrap();
    let state = TempDir::new().unwrap();
    let _builder = scene.builder(state.path(), &[]).await;
    let key = scene.submit(&a_spec().build()).await;
    scene.until_compiling().await;
    scene
        .store
        .builds
        .cancel(&key)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let begun = Instant::now();
    scene.stub.until_gone().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        scene.log(&key).await.last(),
        Some(&LogEvent::End {
            status: Status::Cancelled
        })
    );

    scene.stub.takes_seconds(0.0).unwrap();
    let next = scene.submit(&a_spec().package("redis").build()).await;
    scene.until(&next, Status::Success).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_that_stops_finishes_within_its_grace_and_gives_back_the_rest() {
    let scene = Scene::new().await;
    scene.stub.takes_seconds(1.0).unwrap();
    let state = TempDir::new().unwrap();
    let builder = scene.builder(state.path(), &[]).await;
    let finished = scene.submit(&a_spec().build()).await;
    scene.until_compiling().await;
    let waiting = scene.submit(&a_spec().package("redis").build()).await;
    builder.stopped().await;
    assert_eq!(scene.record(&finished).await.status(), Status::Success);
    assert_eq!(
        scene.record(&waiting).await.status(),
        Status::New,
        "nothing new is claimed"
    );

    scene.stub.takes_seconds(600.0).unwrap();
    let builder = scene.builder(state.path(), &[]).await;
    scene.until_compiling().await;
    builder.stop.cancel();
    builder.hurry.cancel();
    let begun = Instant::now();
    let record = scene.until(&waiting, Status::New).await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(record.attempt(), 0);
    builder.stopped().await;
    assert!(scene.stub.running().is_empty());
    assert_eq!(
        scene.log(&waiting).await.last(),
        Some(&LogEvent::End {
            status: Status::New
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_builders_build_is_taken_over() {
    let scene = Scene::new().await;
    scene.stub.takes_seconds(600.0).unwrap();
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let first = scene.builder(one.path(), &["--lease", "2s"]).await;
    let key = scene.submit(&a_spec().build()).await;
    scene.until_compiling().await;
    let held = scene.record(&key).await.holder().unwrap().clone();
    let _second = scene.builder(two.path(), &["--lease", "2s"]).await;
    scene.until_present(2).await;

    drop(first);
    let begun = Instant::now();
    scene.stub.takes_seconds(0.0).unwrap();
    let record = scene.until(&key, Status::Success).await;
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(record.attempt(), 2);
    assert_ne!(record.holder(), Some(&held));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_builder_gives_back_at_once_what_it_was_at() {
    let scene = Scene::new().await;
    scene.stub.takes_seconds(600.0).unwrap();
    let state = TempDir::new().unwrap();
    let first = scene.builder(state.path(), &["--lease", "60s"]).await;
    let key = scene.submit(&a_spec().build()).await;
    scene.until_compiling().await;
    drop(first);
    scene.stub.until_gone().await.unwrap();
    scene.stub.takes_seconds(0.0).unwrap();
    let begun = Instant::now();
    let _second = scene.builder(state.path(), &["--lease", "60s"]).await;
    let record = scene.until(&key, Status::Success).await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(record.attempt(), 1, "the attempt doesn't count");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_state_folder_one_builder() {
    let scene = Scene::new().await;
    let state = TempDir::new().unwrap();
    let first = scene.builder(state.path(), &[]).await;
    let key = scene.submit(&a_spec().build()).await;
    scene.until(&key, Status::Success).await;
    let mut second = scene.builder(state.path(), &[]).await;
    let refused = (&mut second.task).await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("--state-dir"), "{refused}");
    first.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_that_nobody_hears_stops_and_gives_back() {
    let mut scene = Scene::on(NatsServer::alone().unwrap()).await;
    scene.stub.takes_seconds(600.0).unwrap();
    let state = TempDir::new().unwrap();
    let _builder = scene.builder(state.path(), &["--lease", "2s"]).await;
    let key = scene.submit(&a_spec().build()).await;
    scene.until_compiling().await;
    scene.nats.kill().unwrap();
    let begun = Instant::now();
    scene.stub.until_gone().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    scene.stub.takes_seconds(0.0).unwrap();
    scene.nats.restart().unwrap();
    let record = scene.until(&key, Status::Success).await;
    assert_eq!(record.attempt(), 1, "the attempt doesn't count");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_absence_of_nats_costs_nothing() {
    let mut scene = Scene::on(NatsServer::alone().unwrap()).await;
    scene.stub.takes_seconds(3.0).unwrap();
    let state = TempDir::new().unwrap();
    let _builder = scene.builder(state.path(), &["--lease", "30s"]).await;
    let key = scene.submit(&a_spec().build()).await;
    scene.until_compiling().await;
    scene.nats.restart().unwrap();
    let record = scene.until(&key, Status::Success).await;
    assert_eq!((record.attempt(), scene.stub.builds().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_end_a_build() {
    let scene = Scene::new().await;
    scene.stub.takes_seconds(600.0).unwrap();
    let state = TempDir::new().unwrap();
    let builder = scene
        .builder(state.path(), &["--build-time-limit", "1s"])
        .await;
    let key = scene.submit(&a_spec().build()).await;
    let failure = scene
        .until(&key, Status::Failed)
        .await
        .failure()
        .unwrap()
        .clone();
    assert_eq!(failure.class, FailureClass::Resource);
    assert!(scene.stub.running().is_empty());
    builder.stopped().await;

    scene.stub.takes_seconds(0.0).unwrap();
    scene.stub.makes_bytes(4 << 20).unwrap();
    let _builder = scene
        .builder(state.path(), &["--output-limit", "1MiB"])
        .await;
    let key = scene.submit(&a_spec().package("redis").build()).await;
    let failure = scene
        .until(&key, Status::Failed)
        .await
        .failure()
        .unwrap()
        .clone();
    assert_eq!(failure.class, FailureClass::Resource, "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_builders_share_evenly_and_rarely_collide() {
    const BUILDS: u64 = 240;
    let scene = Scene::new().await;
    scene.stub.takes_seconds(0.02).unwrap();
    let states: Vec<TempDir> = (0..8).map(|_| TempDir::new().unwrap()).collect();
    let mut builders = Vec::new();
    for state in &states {
        builders.push(scene.builder(state.path(), &[]).await);
    }
    scene.until_present(8).await;
    let mut keys = Vec::new();
    for number in 0..BUILDS {
        keys.push(
            scene
                .submit(&a_spec().package(&format!("p{number}")).build())
                .await,
        );
    }
    let mut shares: BTreeMap<String, u64> = BTreeMap::new();
    for key in &keys {
        let record = scene.until(key, Status::Success).await;
        assert_eq!(record.attempt(), 1);
        *shares
            .entry(record.holder().unwrap().builder.to_string())
            .or_default() += 1;
    }
    let refused: u64 = builders
        .iter()
        .map(|builder| builder.counters.claims_lost())
        .sum();
    println!("refused {refused} of {BUILDS}, shares {shares:?}");
    assert!(refused * 2 < BUILDS, "{refused} refused claims");
    assert!(
        shares.values().all(|share| share * 8 * 2 <= BUILDS * 3),
        "{shares:?}"
    );
    assert_eq!(
        scene.stub.builds().len() as u64,
        BUILDS,
        "each was built once"
    );
    for builder in builders {
        builder.stopped().await;
    }
}
