//! The leader counts the keys of records.

use async_nats::jetstream;
use wombat_store::{Purged, WatchEvent};
use wombat_testkit::NatsServer;

use crate::life::{claimed, finish, submit};

#[tokio::test]
async fn keys_of_records_are_counted_and_nothing_else() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let count = store.builds.count_keys().await?;
    assert_eq!((count.keys, count.before.get()), (0, 0));

    // Open builds have a hint each, finished ones had one.
    submit(&store, "nats").await?;
    submit(&store, "kafka").await?;
    finish(&store, claimed(&store, "redis", "fox").await?, b"one").await?;
    let record = claimed(&store, "mongodb", "fox").await?;
    finish(&store, record, b"two").await?;
    let count = store.builds.count_keys().await?;
    assert_eq!((count.keys, count.before), (4, count.after));

    // A removed one leaves a marker, and what can't be read is a key like any other.
    let key = submit(&store, "redis").await?.value.key();
    let removed = store.purge(&key).await?;
    assert!(matches!(removed, Purged::Gone(_)), "{removed:?}");
    let jetstream = jetstream::new(connection.client().clone());
    let junk = "$KV.builds.build.linux.amd64.junk";
    let written = jetstream.publish(junk, "{".into()).await?.await?;
    let count = store.builds.count_keys().await?;
    assert_eq!((count.keys, count.after.get()), (5, written.sequence));

    let keys = [key.to_string(), "build.none".into(), junk[11..].to_owned()];
    let vacant = store.builds.vacant_among(keys).await?;
    assert_eq!(vacant, ["build.none"]);
    Ok(())
}

#[tokio::test]
async fn a_watch_tells_which_values_it_cant_read() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let jetstream = jetstream::new(connection.client().clone());
    let junk = "$KV.builds.build.linux.amd64.junk";
    let written = jetstream.publish(junk, "{".into()).await?.await?;
    let mut watch = store.builds.watch();
    let told = watch.next().await;
    let WatchEvent::Unreadable { key, revision, .. } = told else {
        anyhow::bail!("{told:?}");
    };
    assert_eq!(
        (key.as_str(), revision.get()),
        (&junk[11..], written.sequence)
    );
    assert_eq!(watch.next().await, WatchEvent::Ready);
    Ok(())
}
