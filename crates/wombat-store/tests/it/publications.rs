//! Grants and results: what a builder's key can't change.

use async_nats::jetstream;
use futures::future::try_join_all;
use wombat_model::{Build, BuildKey, FailureClass, Sha256, Status};
use wombat_store::{
    ClaimOutcome, Connection, Purged, Settled, Store, SubmitOptions, Versioned, roles::NatsRole,
};
use wombat_testkit::{NatsServer, a_spec};

use crate::{
    life::{builder, claimed, finish, submit},
    records::{overwrite, raw},
};

async fn built(store: &Store, package: &str) -> anyhow::Result<BuildKey> {
    let claim = claimed(store, package, "fox").await?;
    let key = claim.key().clone();
    finish(store, claim, b"bytes").await?;
    Ok(key)
}

async fn rebuilt(store: &Store, package: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let spec = a_spec().package(package).build();
    let forced = SubmitOptions::forced();
    let queued = store.builds.submit(&spec, forced, &store.artifacts).await?;
    let claim = store
        .builds
        .claim(queued.into_record(), &builder("owl"))
        .await?;
    let ClaimOutcome::Won(claim) = claim else {
        anyhow::bail!("lost without a rival");
    };
    finish(store, *claim, bytes).await?;
    Ok(())
}

async fn record(store: &Store, key: &BuildKey) -> anyhow::Result<Versioned<Build>> {
    Ok(store.builds.get(key).await?.unwrap())
}

/// With a builder's key: the record says that a claim of its own made other bytes.
async fn forge(admin: &Connection, builder: &Connection, key: &BuildKey) -> anyhow::Result<()> {
    let mut json = raw(admin, key).await?;
    json["status"] = "success".into();
    json["builder"] = "thief".into();
    json["claim"] = "c9".into();
    json["artifact"] = format!("{key}/c9").into();
    json["size"] = 6.into();
    json["sha256"] = Sha256::from_bytes([9; 32]).as_str().into();
    json["builtBy"] = "thief".into();
    overwrite(builder, key.as_str(), json.to_string().as_bytes()).await
}

#[tokio::test]
async fn a_builder_cant_exchange_the_binary_of_a_build() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let thief = nats.connection_as(NatsRole::Builder).await?;
    let key = built(&store, "p").await?;
    assert!(store.publications.of(&key).await?.is_open());
    assert_eq!(store.settle(&key).await?, Settled::Concluded);
    assert_eq!(store.settle(&key).await?, Settled::Agrees);
    let honest = record(&store, &key).await?.value.artifact().cloned();

    forge(&connection, &thief, &key).await?;
    let settled = store.settle(&key).await?;
    assert!(matches!(settled, Settled::PutBack(_)), "{settled:?}");
    let back = record(&store, &key).await?.value;
    assert_eq!(back.artifact(), honest.as_ref());
    assert_eq!(back.status(), Status::Success);

    // In two steps: the build is open again, and then it succeeds.
    let mut json = raw(&connection, &key).await?;
    json["status"] = "building".into();
    overwrite(&thief, key.as_str(), json.to_string().as_bytes()).await?;
    forge(&connection, &thief, &key).await?;
    store.settle(&key).await?;
    let spec = a_spec().package("p").build();
    let asked = SubmitOptions::default();
    let answer = store.builds.submit(&spec, asked, &store.artifacts).await?;
    assert_eq!(answer.into_record().value.artifact(), honest.as_ref());

    let alarm = store.builds.tampered().await?;
    assert_eq!(alarm.count, 2, "{alarm:?}");
    assert_eq!(alarm.newest[0].builder, Some("thief".parse()?));
    assert!(alarm.newest[0].restored);
    Ok(())
}

#[tokio::test]
async fn a_request_puts_a_forged_record_back_before_it_is_answered() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let thief = nats.connection_as(NatsRole::Builder).await?;
    let key = built(&store, "p").await?;
    store.settle(&key).await?;
    let honest = record(&store, &key).await?.value.artifact().cloned();
    forge(&connection, &thief, &key).await?;
    let answer = submit(&store, "p").await?;
    assert_eq!(answer.value.artifact(), honest.as_ref());
    Ok(())
}

#[tokio::test]
async fn a_builder_cant_remove_a_binary_from_its_build() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let thief = nats.connection_as(NatsRole::Builder).await?;
    let key = built(&store, "p").await?;
    store.settle(&key).await?;
    let honest = record(&store, &key).await?.value.artifact().cloned();
    let mut json = raw(&connection, &key).await?;
    json["expired"] = true.into();
    overwrite(&thief, key.as_str(), json.to_string().as_bytes()).await?;
    let answer = submit(&store, "p").await?;
    assert_eq!(answer.value.artifact(), honest.as_ref());

    let stolen = jetstream::new(thief.client().clone());
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("KV-Operation", "PURGE");
    let subject = format!("$KV.builds.{key}");
    let sent = stolen.publish_with_headers(subject, headers, "".into());
    sent.await?.await?;
    assert_eq!(store.builds.get(&key).await?, None);
    let admin = jetstream::new(connection.client().clone());
    let log = key.as_str().replacen("build.", "build.logs.", 1) + ".c1";
    admin.publish(log, "a line".into()).await?.await?;
    let answer = submit(&store, "p").await?;
    assert_eq!(answer.value.artifact(), honest.as_ref());
    assert_eq!(store.builds.tampered().await?.count, 2);
    let logs = admin.get_stream("BUILD_LOGS").await?;
    assert_eq!(logs.cached_info().state.messages, 1, "its log stays");

    // A binary that is lost is built again.
    store
        .artifacts
        .remove(honest.unwrap().name.as_str())
        .await?;
    assert_eq!(submit(&store, "p").await?.value.status(), Status::New);
    Ok(())
}

#[tokio::test]
async fn what_was_never_granted_fails() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let thief = nats.connection_as(NatsRole::Builder).await?;
    // A valid record of a build that no client requested.
    let spec = a_spec().package("invented").build();
    let key = spec.key();
    let invented = Build::new(spec, 1, store.builds.server_time());
    overwrite(&thief, key.as_str(), &invented.to_record()?).await?;
    forge(&connection, &thief, &key).await?;
    let settled = store.settle(&key).await?;
    assert!(matches!(settled, Settled::PutBack(_)), "{settled:?}");
    let failed = record(&store, &key).await?.value;
    assert_eq!(failed.failure().unwrap().class, FailureClass::Tampered);
    assert_eq!(store.settle(&key).await?, Settled::Agrees);

    // A client that requests it has it built.
    let queued = submit(&store, "invented").await?;
    assert_eq!(queued.value.status(), Status::New);
    built(&store, "invented").await?;
    assert_eq!(store.settle(&key).await?, Settled::Concluded);
    Ok(())
}

#[tokio::test]
async fn nothing_succeeds_after_its_build_failed() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let thief = nats.connection_as(NatsRole::Builder).await?;
    let claim = claimed(&store, "p", "fox").await?;
    let key = claim.key().clone();
    let failure = wombat_model::Failure::new(FailureClass::Infra, "words");
    store.builds.fail(claim, failure).await?;
    assert_eq!(store.settle(&key).await?, Settled::Concluded);
    forge(&connection, &thief, &key).await?;
    store.settle(&key).await?;
    let failed = record(&store, &key).await?.value;
    assert_eq!(failed.failure().unwrap().class, FailureClass::Tampered);
    Ok(())
}

#[tokio::test]
async fn a_rebuild_is_a_grant_of_its_own() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let key = built(&store, "p").await?;
    // Nothing was settled before: the request does it.
    rebuilt(&store, "p", b"others").await?;
    let published = store.publications.of(&key).await?;
    assert_eq!(published.number(), 2);
    let before = published.newest.as_ref().unwrap().grant.previous.clone();
    assert_eq!(before.unwrap().size, 5);
    assert_eq!(store.settle(&key).await?, Settled::Concluded);
    let published = store.publications.of(&key).await?;
    assert_eq!(published.binary().unwrap().size, 6);

    let expired = store.expire(record(&store, &key).await?).await?;
    assert!(matches!(expired, wombat_store::Written::Won(_)));
    assert_eq!(store.settle(&key).await?, Settled::Agrees);
    assert_eq!(submit(&store, "p").await?.value.status(), Status::New);
    assert_eq!(store.publications.of(&key).await?.number(), 4);
    Ok(())
}

#[tokio::test]
async fn a_removed_build_doesnt_come_back() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let thief = nats.connection_as(NatsRole::Builder).await?;
    let key = built(&store, "p").await?;
    store.settle(&key).await?;
    let old = raw(&connection, &key).await?;
    assert_eq!(store.purge(&key).await?, Purged::Gone(5));
    assert_eq!(store.publications.of(&key).await?.binary(), None);

    overwrite(&thief, key.as_str(), old.to_string().as_bytes()).await?;
    store.settle(&key).await?;
    let failed = record(&store, &key).await?.value;
    assert_eq!(failed.failure().unwrap().class, FailureClass::Tampered);
    assert_eq!(store.purge(&key).await?, Purged::Gone(0));

    built(&store, "p").await?;
    assert_eq!(store.settle(&key).await?, Settled::Concluded);
    let published = store.publications.of(&key).await?;
    assert_eq!(published.number(), 3, "numbers go on");
    Ok(())
}

#[tokio::test]
async fn a_build_with_a_damaged_grant_or_result_can_be_purged_and_requested_again()
-> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let key = built(&store, "p").await?;
    store.settle(&key).await?;
    let service = jetstream::new(connection.client().clone());
    for damaged in ["grant.{}.2", "result.{}.7", "grant.{}.x"] {
        let damaged = damaged.replace("{}", key.as_str());
        let subject = format!("$KV.publications.{damaged}");
        service.publish(subject, "nonsense".into()).await?.await?;
        assert!(store.publications.of(&key).await.is_err(), "{damaged}");
        assert!(matches!(store.purge(&key).await?, Purged::Gone(_)));
        assert_eq!(store.builds.get(&key).await?, None, "{damaged}");
        assert_eq!(store.purge(&key).await?, Purged::Unknown);
        assert_eq!(built(&store, "p").await?, key, "{damaged}");
        assert_eq!(store.settle(&key).await?, Settled::Concluded);
    }
    Ok(())
}

#[tokio::test]
async fn many_services_grant_and_conclude_one_build_once() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let mut services = Vec::new();
    for _ in 0..4 {
        let connection = nats.connection_as(NatsRole::Service).await?;
        services.push(Store::open(&connection).await?);
    }
    for n in 0..5 {
        let package = format!("p{n}");
        try_join_all(services.iter().map(|store| submit(store, &package))).await?;
        let key = built(&store, &package).await?;
        let settled = try_join_all(services.iter().map(|store| store.settle(&key))).await?;
        let first = settled.iter().filter(|it| **it == Settled::Concluded);
        assert_eq!(first.count(), 1, "{settled:?}");
        try_join_all(services.iter().map(|store| submit(store, &package))).await?;
        let published = store.publications.of(&key).await?;
        assert!(!published.is_open() && published.binary().is_some());
        assert_eq!(store.settle(&key).await?, Settled::Agrees);
    }
    Ok(())
}

#[tokio::test]
async fn builds_of_an_older_store_get_their_results_once() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let done = built(&store, "done").await?;
    let open = claimed(&store, "open", "fox").await?;
    let open_key = open.key().clone();
    let jetstream = jetstream::new(connection.client().clone());
    jetstream.delete_stream("KV_publications").await?;

    let (connection, store) = nats.store().await?;
    for key in [&done, &open_key] {
        assert_eq!(store.publications.of(key).await?.number(), 1);
    }
    assert_eq!(store.settle(&done).await?, Settled::Agrees);
    finish(&store, open, b"bytes").await?;
    assert_eq!(store.settle(&open_key).await?, Settled::Concluded);

    // Later an unknown record is an intruder's.
    let spec = a_spec().package("invented").build();
    let key = spec.key();
    let invented = Build::new(spec, 1, store.builds.server_time());
    overwrite(&connection, key.as_str(), &invented.to_record()?).await?;
    let (_connection, store) = nats.store().await?;
    assert_eq!(store.publications.of(&key).await?.number(), 0);
    Ok(())
}

#[tokio::test]
async fn publications_are_written_once_and_by_the_service_alone() -> anyhow::Result<()> {
    let nats = NatsServer::start()?.tolerant();
    let (_connection, store) = nats.store().await?;
    let key = built(&store, "p").await?;
    store.settle(&key).await?;
    let before = store.publications.of(&key).await?;
    let service = nats.connection_as(NatsRole::Service).await?;
    let jetstream = jetstream::new(service.client().clone());
    for kind in ["grant", "result"] {
        let subject = format!("$KV.publications.{kind}.{key}.1");
        for operation in ["", "DEL", "PURGE"] {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("KV-Operation", operation);
            let sent = jetstream
                .publish_with_headers(subject.clone(), headers, "{}".into())
                .await?;
            assert!(sent.await.is_err(), "{kind} {operation}");
        }
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Rollup", "sub");
        let sent = jetstream
            .publish_with_headers(subject, headers, "{}".into())
            .await?;
        assert!(sent.await.is_err(), "rollup of {kind}");
    }
    for role in [NatsRole::Builder, NatsRole::Api, NatsRole::ReadOnly] {
        let connection = nats.connection_as(role).await?;
        let client = connection.client();
        let subject = format!("$KV.publications.grant.{key}.2");
        client.publish(subject, "{\"after\":0}".into()).await?;
        client.flush().await?;
    }
    assert_eq!(store.publications.of(&key).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_grant_that_was_never_used_is_ended() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let thief = nats.connection_as(NatsRole::Builder).await?;
    let key = built(&store, "p").await?;
    store.settle(&key).await?;
    let seen = record(&store, &key).await?;
    let before = store.publications.of(&key).await?;
    // A service was killed between the grant and the record.
    let (number, grant) = before.next(seen.revision.get());
    let jetstream = jetstream::new(connection.client().clone());
    let subject = format!("$KV.publications.grant.{key}.{number}");
    let sent = jetstream.publish(subject, serde_json::to_vec(&grant)?.into());
    sent.await?.await?;
    assert!(store.publications.of(&key).await?.is_open());
    assert_eq!(store.settle(&key).await?, Settled::Agrees);
    let now = store.builds.now().await?;
    let long_ago = now - time::Duration::HOUR;
    assert!(!store.end_unused_grant(&key, long_ago).await?, "too young");
    let later = now + time::Duration::HOUR;
    assert!(store.end_unused_grant(&key, later).await?);
    let after = store.publications.of(&key).await?;
    assert_eq!(after.binary(), before.binary());
    forge(&connection, &thief, &key).await?;
    let settled = store.settle(&key).await?;
    assert!(matches!(settled, Settled::PutBack(_)), "{settled:?}");
    Ok(())
}
