//! Open builds are found without reading finished ones, whatever happens to them in between.

use std::{collections::BTreeSet, time::Duration};

use async_nats::jetstream;
use futures::StreamExt;
use wombat_model::{BuildKey, Failure, FailureClass, Status};
use wombat_store::{
    ClaimOutcome, Connection, ProvisionOptions, Revision, Store, SubmitOptions, WatchEvent,
    provision,
};
use wombat_testkit::{NatsServer, a_spec, wait_until};

use crate::life::{builder, claimed, finish, submit};

const LIMIT: Duration = Duration::from_secs(10);
const HINTS: &str = "$KV.builds.open.";

/// The builds that have a hint.
async fn hinted(connection: &Connection) -> anyhow::Result<BTreeSet<String>> {
    let jetstream = jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("KV_builds").await?;
    let mut subjects = stream.info_with_subjects(format!("{HINTS}>")).await?;
    let mut hinted = BTreeSet::new();
    while let Some(subject) = subjects.next().await {
        let (subject, _) = subject?;
        let message = stream.get_last_raw_message_by_subject(&subject).await?;
        if message.headers.get("KV-Operation").is_none() {
            hinted.insert(subject.replace(HINTS, "build."));
        }
    }
    Ok(hinted)
}

async fn until_hinted(connection: &Connection, expected: &[&BuildKey]) -> anyhow::Result<()> {
    let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
    wait_until("the hints to agree", LIMIT, async || {
        Ok((hinted(connection).await? == expected).then_some(()))
    })
    .await
}

/// What a watch of open builds delivers before it is ready.
async fn told(store: &Store, recent: u64) -> Vec<(BuildKey, Status)> {
    let mut watch = store.builds.watch_open(recent);
    let mut told = Vec::new();
    loop {
        match watch.next().await {
            WatchEvent::Value { record, .. } => {
                told.push((record.value.key(), record.value.status()));
            }
            WatchEvent::Removed { .. } | WatchEvent::Unreadable { .. } => {}
            WatchEvent::Ready | WatchEvent::Reset => return told,
        }
    }
}

/// Removed hints leave markers for a second.
async fn until_told(store: &Store, expected: &[(BuildKey, Status)]) -> anyhow::Result<()> {
    wait_until("only open builds to be delivered", LIMIT, async || {
        Ok((told(store, 0).await == expected).then_some(()))
    })
    .await
}

async fn hand_written(connection: &Connection, subject: String, value: &str) -> anyhow::Result<()> {
    let jetstream = jetstream::new(connection.client().clone());
    jetstream
        .publish(subject, value.to_owned().into())
        .await?
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_build_has_its_hint_for_as_long_as_it_is_open() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let record = submit(&store, "nats").await?;
    let (key, spec) = (record.value.key(), record.value.spec().clone());
    until_hinted(&connection, &[&key]).await?;

    let ClaimOutcome::Won(claim) = store.builds.claim(record, &builder("fox")).await? else {
        anyhow::bail!("lost without a rival");
    };
    assert!(hinted(&connection).await?.contains(key.as_str()), "claimed");
    store.builds.release(*claim).await?;
    let claim = claimed(&store, "nats", "fox").await?;
    store
        .builds
        .recover(store.builds.get(&key).await?.unwrap())
        .await?;
    drop(claim);
    assert!(
        hinted(&connection).await?.contains(key.as_str()),
        "recovered"
    );

    finish(&store, claimed(&store, "nats", "fox").await?, b"one").await?;
    until_hinted(&connection, &[]).await?;
    store
        .builds
        .submit(&spec, SubmitOptions::forced(), &store.artifacts)
        .await?;
    until_hinted(&connection, &[&key]).await?;
    store.builds.cancel(&key).await?.unwrap()?;
    until_hinted(&connection, &[]).await?;

    let claim = claimed(&store, "redis", "fox").await?;
    let lost = Failure::new(FailureClass::Infra, "no proxy");
    store.builds.fail(claim, lost).await?;
    until_hinted(&connection, &[]).await?;
    submit(&store, "redis").await?;
    let redis = a_spec().package("redis").build().key();
    until_hinted(&connection, &[&redis]).await
}

#[tokio::test]
async fn a_watch_of_open_builds_reads_no_finished_ones() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    assert_eq!(told(&store, 0).await, []);
    let waiting = submit(&store, "waiting").await?.value.key();
    for n in 0..20 {
        let claim = claimed(&store, &format!("p{n}"), "fox").await?;
        let failure = Failure::new(FailureClass::Compile, "words");
        store.builds.fail(claim, failure).await?;
    }
    let running = claimed(&store, "running", "fox").await?;
    until_hinted(&connection, &[&waiting, running.key()]).await?;

    let expected = [
        (waiting.clone(), Status::New),
        (running.key().clone(), Status::Building),
    ];
    until_told(&store, &expected).await?;
    let all = told(&store, 1_000).await;
    assert_eq!(all.len(), 22, "everything is recent");
    let some = told(&store, 20).await;
    assert!((3..22).contains(&some.len()), "{}", some.len());
    assert_eq!(some[0], expected[0], "open, whenever it was written");

    // Every change is delivered afterwards, of finished builds too.
    let mut watch = store.builds.watch_open(0);
    while watch.next().await != WatchEvent::Ready {}
    assert!(watch.complete_after() > Revision::ZERO);
    finish(&store, running, b"one").await?;
    let WatchEvent::Value { record, .. } = watch.next().await else {
        anyhow::bail!("the end of a build");
    };
    assert_eq!(record.value.status(), Status::Success);
    Ok(())
}

#[tokio::test]
async fn what_changes_while_a_watch_starts_is_told_once_and_in_order() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    for n in 0..30 {
        submit(&store, &format!("p{n}")).await?;
    }
    let changing = async {
        for n in 0..30 {
            let claim = claimed(&store, &format!("p{n}"), "fox").await?;
            let failure = Failure::new(FailureClass::Compile, "words");
            store.builds.fail(claim, failure).await?;
        }
        anyhow::Ok(())
    };
    let watching = async {
        let mut watch = store.builds.watch_open(0);
        let mut last = Revision::ZERO;
        let mut ended = BTreeSet::new();
        let mut ready = false;
        while ended.len() < 30 || !ready {
            match watch.next().await {
                WatchEvent::Value { record, .. } => {
                    assert!(
                        record.revision > last,
                        "{:?} after {last:?}",
                        record.revision
                    );
                    last = record.revision;
                    if record.value.status() == Status::Failed {
                        ended.insert(record.value.key());
                    }
                }
                WatchEvent::Ready => {
                    // Builds that ended before the watch began aren't delivered.
                    ready = true;
                    let open = told_open(&store).await?;
                    for n in 0..30 {
                        let key = a_spec().package(&format!("p{n}")).build().key();
                        if !open.contains(&key) {
                            ended.insert(key);
                        }
                    }
                }
                WatchEvent::Removed { .. } | WatchEvent::Unreadable { .. } | WatchEvent::Reset => {
                    anyhow::bail!("nothing goes")
                }
            }
        }
        anyhow::Ok(())
    };
    let (changed, watched) = tokio::join!(changing, tokio::time::timeout(LIMIT, watching));
    changed?;
    watched?
}

async fn told_open(store: &Store) -> anyhow::Result<BTreeSet<BuildKey>> {
    let told = told(store, 0).await;
    Ok(told
        .into_iter()
        .filter(|(_, status)| !status.is_terminal())
        .map(|(key, _)| key)
        .collect())
}

#[tokio::test]
async fn hints_that_a_crash_left_are_mended_and_new_ones_left_alone() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    // Its record was written by hand, or by a version that knew no hints.
    let bare = submit(&store, "bare").await?.value.key();
    until_hinted(&connection, &[&bare]).await?;
    let stream = jetstream::new(connection.client().clone())
        .get_stream("KV_builds")
        .await?;
    let hint = bare.as_str().replace("build.", HINTS);
    stream.purge().filter(&hint).await?;
    assert_eq!(told(&store, 0).await, []);

    // Its builder crashed between the end of the record and the end of the hint.
    let claim = claimed(&store, "ended", "fox").await?;
    let ended = claim.key().clone();
    finish(&store, claim, b"one").await?;
    until_hinted(&connection, &[]).await?;
    hand_written(&connection, ended.as_str().replace("build.", HINTS), "").await?;
    // A client is about to write this one's record.
    let opening = a_spec().package("opening").build().key();
    hand_written(&connection, opening.as_str().replace("build.", HINTS), "").await?;
    hand_written(&connection, format!("{HINTS}not.a.key"), "").await?;

    let believed = [bare.clone(), ended.clone()];
    let hour = Duration::from_hours(1);
    let mended = store.builds.mend_hints(believed.clone(), hour).await?;
    assert_eq!((mended.given, mended.removed), (1, 0));
    let mended = store.builds.mend_hints(believed, Duration::ZERO).await?;
    assert_eq!((mended.given, mended.removed), (0, 2));
    until_told(&store, &[(bare, Status::New)]).await
}

#[tokio::test]
async fn a_late_end_leaves_the_hint_of_who_asked_again() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    for round in 0..40 {
        let claim = claimed(&store, "nats", "fox").await?;
        let key = claim.key().clone();
        let failure = Failure::new(FailureClass::Infra, "no proxy");
        store.builds.fail(claim, failure).await?;
        // The hint of the finished build is just being removed.
        submit(&store, "nats").await?;
        assert_eq!(
            told_open(&store).await?,
            BTreeSet::from([key.clone()]),
            "{round}"
        );
        store.builds.cancel(&key).await?.unwrap()?;
    }
    until_hinted(&connection, &[]).await
}

#[tokio::test]
async fn a_bucket_made_anew_resets_a_watch_of_open_builds() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    for package in ["a", "b", "c"] {
        submit(&store, package).await?;
    }
    let mut watch = store.builds.watch_open(0);
    while watch.next().await != WatchEvent::Ready {}
    let jetstream = jetstream::new(connection.client().clone());
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
