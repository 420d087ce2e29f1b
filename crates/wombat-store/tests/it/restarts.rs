//! Clients of a server that is killed, restarted or emptied.

use std::time::{Duration, Instant};

use wombat_store::{ProvisionOptions, StoreError, SubmitOptions, WatchEvent, provision};
use wombat_testkit::{NatsServer, wait_until};

use crate::life::submit;

#[tokio::test]
async fn a_dead_server_is_reported_soon_and_writes_dont_come_back_to_life() -> anyhow::Result<()> {
    let mut nats = NatsServer::alone()?;
    let (connection, store) = nats.store().await?;
    nats.kill()?;
    wait_until(
        "the connection to be down",
        Duration::from_secs(5),
        async || Ok((!connection.is_up()).then_some(())),
    )
    .await?;

    let start = Instant::now();
    let spec = wombat_testkit::a_spec().build();
    let refused = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );

    nats.restart()?;
    wait_until(
        "the connection to be back",
        Duration::from_secs(10),
        async || Ok(connection.is_up().then_some(())),
    )
    .await?;
    assert_eq!(store.builds.get(&spec.key()).await?, None);
    Ok(())
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash_and_the_watch_goes_on() -> anyhow::Result<()> {
    let mut nats = NatsServer::alone()?;
    let (_connection, store) = nats.store().await?;
    let before = submit(&store, "before").await?;
    let mut watch = store.builds.watch();
    while watch.next().await != WatchEvent::Ready {}

    nats.restart()?;
    let kept = wait_until(
        "the record to be readable",
        Duration::from_secs(10),
        async || Ok(store.builds.get(&before.value.key()).await.ok()),
    )
    .await?;
    assert_eq!(kept.map(|kept| kept.revision), Some(before.revision));
    let after = submit(&store, "after").await?;
    let WatchEvent::Value { record, .. } = watch.next().await else {
        anyhow::bail!("the change")
    };
    assert_eq!(record.revision, after.revision);
    Ok(())
}

#[tokio::test]
async fn a_bucket_made_anew_resets_the_watch() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    for package in ["a", "b", "c"] {
        submit(&store, package).await?;
    }
    let mut watch = store.builds.watch();
    while watch.next().await != WatchEvent::Ready {}

    let jetstream = async_nats::jetstream::new(connection.client().clone());
    jetstream.delete_stream("KV_builds").await?;
    provision(&connection, &ProvisionOptions::default()).await?;
    let fresh = submit(&store, "fresh").await?;

    let told = tokio::time::timeout(Duration::from_secs(20), async {
        assert_eq!(watch.next().await, WatchEvent::Reset);
        watch.next().await
    });
    let WatchEvent::Value { record, .. } = told.await? else {
        anyhow::bail!("the new content")
    };
    assert_eq!(record.revision, fresh.revision);
    Ok(())
}
