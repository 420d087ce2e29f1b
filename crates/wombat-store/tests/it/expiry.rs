//! Values that expire: the server leaves no marker, and still everyone notices.

use std::time::{Duration, Instant};

use async_nats::jetstream::{self, message::PublishMessage};
use tokio::time::timeout;
use wombat_model::{Presence, SandboxLevel, Status, Template};
use wombat_store::{Connection, Purged, WatchEvent};
use wombat_testkit::{NatsServer, wait_until};

use crate::life::{claimed, finish, submit};

const LIMIT: Duration = Duration::from_secs(20);
const LEASE: Duration = Duration::from_secs(2);
/// How much later than its lease a builder's absence may be noticed on a busy machine.
const LATE: Duration = Duration::from_millis(900);

fn presence(builder: &str) -> Presence {
    Presence {
        builder: builder.parse().unwrap(),
        host: "h".into(),
        version: "0".into(),
        workers: 1,
        catalog_workers: 0,
        active: Vec::new(),
        go: None,
        draining: false,
        problem: None,
        sandbox: SandboxLevel::None,
        templates: Template::KNOWN.to_vec(),
        lease_ms: 2_000,
    }
}

/// How many values a key has before it is removed, and when that is noticed.
async fn until_removed<T>(
    mut next: impl AsyncFnMut() -> WatchEvent<T>,
    wanted: &str,
) -> anyhow::Result<(usize, Instant)> {
    let mut values = 0;
    loop {
        match timeout(LIMIT, next()).await? {
            WatchEvent::Removed { key, .. } if key == wanted => {
                return Ok((values, Instant::now()));
            }
            WatchEvent::Value { key, .. } if key == wanted => values += 1,
            WatchEvent::Value { .. }
            | WatchEvent::Removed { .. }
            | WatchEvent::Unreadable { .. }
            | WatchEvent::Ready
            | WatchEvent::Reset => {}
        }
    }
}

/// The number of messages under a subject.
async fn messages(connection: &Connection, stream: &str, subject: &str) -> anyhow::Result<usize> {
    use futures::TryStreamExt as _;

    let jetstream = jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream(stream).await?;
    let subjects = stream.info_with_subjects(subject).await?;
    let counts: Vec<(String, usize)> = subjects.try_collect().await?;
    Ok(counts.into_iter().map(|(_, count)| count).sum())
}

#[tokio::test]
async fn a_builder_that_says_nothing_more_is_noticed_after_its_lease() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let mut early = store.builders.watch();
    while early.next().await != WatchEvent::Ready {}
    for _ in 0..4 {
        store.builders.renew(&presence("fox-1"), LEASE).await?;
        tokio::time::sleep(LEASE / 4).await;
    }
    let renewed = Instant::now();
    store.builders.renew(&presence("fox-1"), LEASE).await?;
    // Another one begins to watch in the middle of the lease.
    tokio::time::sleep(LEASE / 2).await;
    let mut late = store.builders.watch();
    let (seen_early, seen_late) = tokio::join!(
        until_removed(async || early.next().await, "fox-1"),
        until_removed(async || late.next().await, "fox-1")
    );
    for (who, seen, values) in [("early", seen_early?, 5), ("late", seen_late?, 1)] {
        let after = seen.1 - renewed;
        println!("{who}: noticed after {after:?}");
        assert_eq!(seen.0, values, "{who}");
        assert!(after >= LEASE && after < LEASE + LATE, "{who}: {after:?}");
    }
    let left = messages(&connection, "KV_builders", "$KV.builders.fox.1").await?;
    assert_eq!(left, 0, "no marker");
    // It comes back as if it had never been there.
    store.builders.renew(&presence("fox-1"), LEASE).await?;
    let back = timeout(LIMIT, early.next()).await?;
    assert!(matches!(back, WatchEvent::Value { .. }), "{back:?}");
    Ok(())
}

#[tokio::test]
async fn a_builder_that_leaves_is_noticed_at_once() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let mut watcher = store.builders.watch();
    let long = Duration::from_mins(10);
    store.builders.renew(&presence("fox-1"), long).await?;
    let leaving = async {
        wait_until("the builder is known", LIMIT, async || {
            Ok((store.builders.longest_lease().await? > Duration::ZERO).then_some(()))
        })
        .await?;
        store.builders.leave(&"fox-1".parse()?).await?;
        anyhow::Ok(())
    };
    let (removed, left) = tokio::join!(
        until_removed(async || watcher.next().await, "fox-1"),
        leaving
    );
    left?;
    removed?;
    store.builders.renew(&presence("fox-1"), long).await?;
    assert!(store.builders.longest_lease().await? > Duration::ZERO);
    Ok(())
}

/// Whoever may write a record may give it a lifetime.
#[tokio::test]
async fn a_record_that_was_given_a_lifetime_is_missed_at_its_end() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let key = submit(&store, "p").await?.value.key();
    let mut watcher = store.builds.watch();
    let jetstream = jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("KV_builds").await?;
    let subject = format!("$KV.builds.{key}");
    let record = stream.get_last_raw_message_by_subject(&subject).await?;
    let message = PublishMessage::build()
        .payload(record.payload)
        .header("Nats-TTL", "1s");
    jetstream.send_publish(subject, message).await?.await?;
    until_removed(async || watcher.next().await, key.as_str()).await?;
    assert_eq!(store.builds.get(&key).await?, None);
    assert_eq!(submit(&store, "p").await?.value.status(), Status::New);
    Ok(())
}

/// Markers of removed records live for a week; this one is made to live for a second.
#[tokio::test]
async fn a_removed_record_is_vacant_when_its_marker_has_expired() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let claim = claimed(&store, "p", "fox").await?;
    let key = claim.key().clone();
    finish(&store, claim, b"bytes").await?;
    assert!(matches!(store.purge(&key).await?, Purged::Gone(_)));
    let subject = format!("$KV.builds.{key}");
    assert_eq!(
        messages(&connection, "KV_builds", &subject).await?,
        1,
        "a marker"
    );
    assert_eq!(store.builds.get(&key).await?, None);

    let jetstream = jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("KV_builds").await?;
    let marker = stream.get_last_raw_message_by_subject(&subject).await?;
    let lifetime = marker.headers.get("Nats-TTL").map(ToString::to_string);
    assert_eq!(lifetime.as_deref(), Some("604800"), "a week");
    assert!(marker.headers.get("Nats-Rollup").is_none());
    let short = PublishMessage::build()
        .header("KV-Operation", "PURGE")
        .ttl(Duration::from_secs(1));
    jetstream
        .send_publish(subject.clone(), short)
        .await?
        .await?;
    wait_until("the marker to expire", LIMIT, async || {
        let left = messages(&connection, "KV_builds", &subject).await?;
        Ok((left == 0).then_some(()))
    })
    .await?;
    assert_eq!(
        store.builds.get(&key).await?,
        None,
        "nothing old comes back"
    );
    assert_eq!(store.purge(&key).await?, Purged::Unknown);
    let vacant = store.builds.vacant_among([key.to_string()]).await?;
    assert_eq!(vacant, [key.to_string()]);
    assert_eq!(submit(&store, "p").await?.value.status(), Status::New);
    Ok(())
}
