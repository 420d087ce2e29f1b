//! A builder on a machine without Go.

use wombat_builder::IfUnfit;
use wombat_model::Status;
use wombat_store::SubmitOptions;
use wombat_testkit::{ProxyFault, a_spec, wait_until};

use crate::scene::{LIMIT, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_how_far_the_fetch_is_and_then_builds() {
    let mut scene = Scene::new().await;
    scene.serve("1.26.11");
    scene.proxy.fail(".zip", ProxyFault::Hang);
    let builder = scene.builder(false, IfUnfit::Wait, &[]).await;
    let fails = |problem: &str| problem.contains("the module proxy failed: it");
    let told = scene
        .until_present(|it| it.problem.as_deref().is_some_and(fails))
        .await;
    assert!(told.contains(&"fetching Go 1.26.11".to_owned()), "{told:?}");

    let spec = a_spec().go("1.26.11").build();
    let (builds, artifacts) = (&scene.store.builds, &scene.store.artifacts);
    let submitted = builds.submit(&spec, SubmitOptions::default(), artifacts);
    submitted.await.unwrap();
    scene.proxy.heal(".zip");
    let go = "1.26.11".parse().unwrap();
    scene
        .until_present(|it| it.go == Some(go) && it.problem.is_none() && !it.draining)
        .await;
    wait_until("the build to succeed", LIMIT, async || {
        let record = builds.get(&spec.key()).await?;
        let status = record.map(|record| record.value.status());
        Ok((status == Some(Status::Success)).then_some(()))
    })
    .await
    .unwrap();
    builder.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_the_fleet_learnt_of_is_fetched() {
    let mut scene = Scene::new().await;
    scene.serve("1.26.11");
    scene.serve("1.26.12");
    let learnt = std::mem::take(&mut scene.releases);
    scene.serve("1.26.11");
    scene.store.catalog.add_go_releases(&learnt).await.unwrap();
    let builder = scene.builder(false, IfUnfit::End, &[]).await;
    let go = "1.26.12".parse().unwrap();
    scene.until_present(|it| it.go == Some(go)).await;
    builder.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_of_its_own_ends_with_one_sentence() {
    let mut scene = Scene::new().await;
    scene.serve("1.26.11");
    scene.proxy.fail(".zip", ProxyFault::Status(410));
    let refused = scene.builder(false, IfUnfit::End, &[]).await;
    let error = format!("{:#}", refused.ended().await.unwrap_err());
    assert!(
        error.starts_with("the module proxy refuses Go 1.26.11 (410 Gone): "),
        "{error}"
    );
    let offline = scene.builder(false, IfUnfit::End, &["--offline"]).await;
    let error = format!("{:#}", offline.ended().await.unwrap_err());
    assert!(
        error.contains("there is no `go` in PATH, and fetching it is switched off"),
        "{error}"
    );
    // Neither is listed any more.
    wait_until("no builder to be listed", LIMIT, async || {
        let mut watcher = scene.store.builders.watch();
        let first = watcher.next().await;
        Ok(matches!(
            first,
            wombat_store::WatchEvent::Ready | wombat_store::WatchEvent::Removed { .. }
        )
        .then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_stopped_while_it_fetches() {
    let mut scene = Scene::new().await;
    scene.serve("1.26.11");
    scene.proxy.fail(".zip", ProxyFault::Hang);
    let builder = scene
        .builder(false, IfUnfit::Wait, &["--goproxy-patience", "10m"])
        .await;
    let fetches = |problem: &str| problem.starts_with("fetching Go");
    scene
        .until_present(|it| it.problem.as_deref().is_some_and(fetches))
        .await;
    builder.stopped().await;
}
