//! Invalid records, and times that are the server's.

use std::time::Duration;

use time::OffsetDateTime;
use wombat_model::{Build, BuildKey, Failure, FailureClass, Status};
use wombat_store::{
    Connection, FinishOutcome, Purged, Store, StoreError, SubmitOptions, Submitted, Versioned,
    WatchEvent,
};
use wombat_testkit::{NatsServer, a_spec};

use crate::life::{claimed, finish, submit};

/// Writes to a record's key without any check.
pub(crate) async fn overwrite(
    connection: &Connection,
    key: &str,
    bytes: &[u8],
) -> anyhow::Result<()> {
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let subject = format!("$KV.builds.{key}");
    jetstream
        .publish(subject, bytes.to_vec().into())
        .await?
        .await?;
    Ok(())
}

pub(crate) async fn raw(
    connection: &Connection,
    key: &BuildKey,
) -> anyhow::Result<serde_json::Value> {
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("KV_builds").await?;
    let subject = format!("$KV.builds.{key}");
    let message = stream.get_last_raw_message_by_subject(&subject).await?;
    Ok(serde_json::from_slice(&message.payload)?)
}

/// A build that succeeded.
async fn built(store: &Store) -> anyhow::Result<Versioned<Build>> {
    let claim = claimed(store, "p", "fox").await?;
    match finish(store, claim, b"bytes").await? {
        FinishOutcome::Done(done) => Ok(*done),
        FinishOutcome::Fenced => anyhow::bail!("fenced without a rival"),
    }
}

#[tokio::test]
async fn what_cant_be_read_is_told_as_such_and_can_be_removed_or_made_anew() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let spec = a_spec().package("p").build();
    let key = spec.key();
    let record = serde_json::to_string(&submit(&store, "p").await?.value)?;
    for junk in [
        "junk".to_owned(),
        record[..record.len() / 2].to_owned(),
        record.replace("\"new\"", "\"dreaming\""),
        record.replacen('{', "{\"schema\":9,", 1),
    ] {
        overwrite(&connection, key.as_str(), junk.as_bytes()).await?;
        let read = store.builds.get(&key).await;
        assert!(
            matches!(read, Err(StoreError::Corrupt { .. })),
            "{junk}: {read:?}"
        );
        let mut watch = store.builds.watch();
        let told = watch.next().await;
        assert!(matches!(told, WatchEvent::Unreadable { .. }), "{told:?}");
        assert_eq!(watch.next().await, WatchEvent::Ready);
        let ask = |options| store.builds.submit(&spec, options, &store.artifacts);
        if junk.contains("schema") {
            let asked = ask(SubmitOptions::default()).await;
            assert!(
                matches!(asked, Err(StoreError::Corrupt { .. })),
                "a newer version's: {asked:?}"
            );
            let made = ask(SubmitOptions::forced()).await?;
            assert!(matches!(made, Submitted::Queued(_)));
        } else {
            let made = ask(SubmitOptions::default()).await?;
            assert!(matches!(made, Submitted::Queued(_)), "{junk}: {made:?}");
        }
    }
    overwrite(&connection, key.as_str(), b"junk").await?;
    assert_eq!(store.purge(&key).await?, Purged::Gone(0));
    assert_eq!(store.builds.get(&key).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_copy_under_another_key_isnt_believed_and_takes_nothing_with_it() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let done = built(&store).await?;
    let other = a_spec().package("other").build().key();
    let bytes = serde_json::to_vec(&done.value)?;
    overwrite(&connection, other.as_str(), &bytes).await?;
    let read = store.builds.get(&other).await;
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
    assert_eq!(store.purge(&other).await?, Purged::Gone(0));
    let name = done.value.artifact().unwrap().name.clone();
    assert!(store.artifacts.is_whole(name.as_str()).await?);
    Ok(())
}

#[tokio::test]
async fn a_record_that_names_another_builds_binary_isnt_believed_and_takes_nothing_with_it()
-> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let done = built(&store).await?;
    let name = done.value.artifact().unwrap().name.clone();
    let key = submit(&store, "other").await?.value.key();
    let spec = a_spec().package("other").build();
    let mut forged = raw(&connection, &done.value.key()).await?;
    forged["packages"] = raw(&connection, &key).await?["packages"].take();
    let forge = async || overwrite(&connection, key.as_str(), forged.to_string().as_bytes()).await;
    forge().await?;
    let read = store.builds.get(&key).await;
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
    let mut outlines = store.builds.watch_outlines(done.revision);
    let told = outlines.next().await;
    assert!(
        matches!(&told, WatchEvent::Unreadable { problem, .. } if problem.contains(name.as_str())),
        "{told:?}"
    );
    assert!(store.builds.cancel(&key).await.is_err());
    assert_eq!(raw(&connection, &key).await?, forged, "it isn't rewritten");
    assert_eq!(store.purge(&key).await?, Purged::Gone(0));
    assert!(store.artifacts.is_whole(name.as_str()).await?);

    // A new request takes its place.
    forge().await?;
    let options = SubmitOptions::default();
    let asked = store
        .builds
        .submit(&spec, options, &store.artifacts)
        .await?;
    assert!(matches!(asked, Submitted::Queued(_)), "{asked:?}");
    assert_eq!(
        store.builds.get(&key).await?.unwrap().value.status(),
        Status::New
    );
    Ok(())
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_kept_or_not_overwritten() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let key = submit(&store, "p").await?.value.key();
    let mut json = raw(&connection, &key).await?;
    json["colour"] = "red".into();
    overwrite(&connection, key.as_str(), json.to_string().as_bytes()).await?;
    let cancelled = store.builds.cancel(&key).await?.unwrap();
    assert_eq!(cancelled?.value.status(), Status::Cancelled);
    let mut json = raw(&connection, &key).await?;
    assert_eq!(json["colour"], "red");
    json["packages"][0]["colour"] = "blue".into();
    overwrite(&connection, key.as_str(), json.to_string().as_bytes()).await?;
    let spec = a_spec().package("p").build();
    let asked = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await;
    assert!(
        matches!(asked, Err(StoreError::Corrupt { .. })),
        "{asked:?}"
    );
    assert_eq!(raw(&connection, &key).await?, json);
    Ok(())
}

#[tokio::test]
async fn a_purge_that_was_cut_short_can_be_done_again() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let done = built(&store).await?;
    let key = done.value.key();
    let name = done.value.artifact().unwrap().name.clone();
    // The state that an interrupted purge leaves.
    let expired = store.builds.expire(done).await?;
    assert!(matches!(expired, wombat_store::Written::Won(_)));
    assert_eq!(store.purge(&key).await?, Purged::Gone(5));
    assert!(store.artifacts.find(name.as_str()).await?.is_none());
    assert_eq!(store.purge(&key).await?, Purged::Unknown);
    Ok(())
}

/// Times in a record's body are this host's estimates; those that are read are the server's.
#[tokio::test]
async fn times_are_read_off_the_servers_messages() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let key = submit(&store, "p").await?.value.key();
    let mut json = raw(&connection, &key).await?;
    assert_eq!(json["messageTime"], "requested");
    json["requested"] = "2001-02-03T04:05:06Z".into();
    overwrite(&connection, key.as_str(), json.to_string().as_bytes()).await?;
    let read = store.builds.get(&key).await?.unwrap().value;
    let age = OffsetDateTime::now_utc() - read.requested();
    assert!(age < time::Duration::MINUTE, "{age}");
    let json = raw(&connection, &key).await?;
    let claim = claimed(&store, "p", "fox").await?;
    assert!(claim.build().claimed() >= Some(read.requested()));
    let next = raw(&connection, &key).await?;
    assert_eq!(next["messageTime"], "claimed");
    assert_ne!(
        next["requested"], json["requested"],
        "what the message said is in the body now"
    );
    Ok(())
}

#[tokio::test]
async fn a_failure_of_the_package_answers_for_a_while_and_is_tried_again_then() -> anyhow::Result<()>
{
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let claim = claimed(&store, "p", "fox").await?;
    let failure = Failure::new(FailureClass::Input, "no such package");
    store.builds.fail(claim, failure).await?;
    let spec = a_spec().package("p").build();
    let ask = async |retry_after| {
        let asking = SubmitOptions {
            retry_after,
            ..SubmitOptions::default()
        };
        store.builds.submit(&spec, asking, &store.artifacts).await
    };
    let early = ask(Duration::from_mins(10)).await?;
    assert!(matches!(early, Submitted::Existing(_)), "{early:?}");
    let later: Build = ask(Duration::ZERO).await?.into_record().value;
    assert_eq!(later.status(), Status::New);
    Ok(())
}

#[tokio::test]
async fn a_success_without_its_bytes_is_built_again_when_it_is_asked_for() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store): (_, Store) = nats.store().await?;
    let claim = claimed(&store, "p", "fox").await?;
    finish(&store, claim, b"bytes").await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("OBJ_artifacts").await?;
    stream.purge().filter("$O.artifacts.C.>").await?;
    assert_eq!(submit(&store, "p").await?.value.status(), Status::New);
    Ok(())
}
