//! Repeated requests for finished builds: answered from the cache, and never with an outdated answer.

use std::time::Duration;

use async_nats::{Client, jetstream::message::PublishMessage};
use serde_json::{Value, json};
use wombat_model::{ArtifactName, BuildKey};
use wombat_store::{ClaimOutcome, Revision, Store, WatchEvent, Written};
use wombat_testkit::{NatsServer, succeed, wait_until};

use crate::support::{Calls, Instance, ask, body, one_on, unlimited};

const LIMIT: Duration = Duration::from_secs(20);

/// Builds a waiting build, as a builder would.
async fn build(store: &Store, key: &BuildKey) -> anyhow::Result<ArtifactName> {
    let seen = store.builds.get(key).await?.unwrap();
    let ClaimOutcome::Won(claim) = store.builds.claim(seen, &"builder-1".parse()?).await? else {
        anyhow::bail!("the claim was lost");
    };
    let name = ArtifactName::new(key, claim.id());
    let stored = store.artifacts.put_bytes(name.as_str(), b"binary").await?;
    succeed(store, *claim, stored).await?;
    Ok(name)
}

async fn asked(client: &Client) -> Value {
    ask(client, "build.request", &body("nats")).await.unwrap()
}

/// Reads of single records and objects since the last call. Followers read their streams by themselves, and ask the
/// leader for the last of all messages that match; that doesn't count. Nor does what is published, which the service
/// compares in the background.
async fn reads(calls: &mut Calls) -> anyhow::Result<Vec<String>> {
    let calls = calls.since().await?.into_iter();
    let single = calls.filter(|call| {
        let is_single = !call.payload.ends_with(b">\"}") && call.subject.contains(".GET");
        is_single && !call.subject.ends_with("KV_publications")
    });
    Ok(single.map(|call| call.subject.to_string()).collect())
}

/// Repeats the request until it makes no call, which has to happen.
async fn until_remembered(calls: &mut Calls, client: &Client) -> anyhow::Result<Value> {
    for _ in 0..1000 {
        reads(calls).await?;
        let view = asked(client).await;
        if reads(calls).await?.is_empty() {
            return Ok(view);
        }
        tokio::task::yield_now().await;
    }
    anyhow::bail!("every repeat reads from JetStream")
}

/// A finished build whose answer is cached.
async fn remembered(
    server: NatsServer,
) -> anyhow::Result<(NatsServer, Client, Store, Instance, Calls, BuildKey)> {
    let (server, client, store, instance) = one_on(server).await?;
    let key: BuildKey = asked(&client).await["id"].as_str().unwrap().parse()?;
    build(&store, &key).await?;
    let mut calls = Calls::watch(&server).await?;
    let view = until_remembered(&mut calls, &client).await?;
    assert_eq!(view["status"], "success");
    Ok((server, client, store, instance, calls, key))
}

async fn until_status(client: &Client, status: &str) -> anyhow::Result<Value> {
    wait_until(&format!("the answer to be {status}"), LIMIT, async || {
        let view = asked(client).await;
        Ok((view["status"] == status).then_some(view))
    })
    .await
}

#[tokio::test]
async fn a_repeat_makes_no_jetstream_call() -> anyhow::Result<()> {
    let (server, client, store, first, mut calls, key) =
        Box::pin(remembered(NatsServer::start()?)).await?;
    // An instance that starts now catches up with every change before it caches anything.
    first.stop().await?;
    let instance = Box::pin(Instance::start(&server, unlimited())).await?;
    until_remembered(&mut calls, &client).await?;
    let read = store.builds.get(&key).await?.unwrap();
    // On a cluster, this read may pass another server than the mark that ends a count of calls.
    wait_until("this read to be counted", LIMIT, async || {
        let counted = !reads(&mut calls).await?.is_empty();
        Ok(counted.then_some(()))
    })
    .await?;
    let packages = json!({"goos": "linux", "goarch": "amd64",
        "packages": ["github.com/redpanda-data/connect/v4/public/components/nats"]});
    let questions = [
        ("build.request", body("nats")),
        ("build.request", packages.clone()),
        ("build.request", packages),
        ("build.get", json!({ "id": key })),
    ];
    for (subject, question) in questions {
        let view = ask(&client, subject, &question).await.unwrap();
        assert_eq!(view["id"], key.as_str());
        assert_eq!(view["status"], "success");
        assert_eq!(view["revision"], read.revision.get());
        let reads = reads(&mut calls).await?;
        assert!(reads.is_empty(), "{subject} {question}: {reads:?}");
    }
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_repeat_never_answers_what_was_before_an_own_write() -> anyhow::Result<()> {
    let (_server, client, store, instance, mut calls, key) =
        Box::pin(remembered(NatsServer::start()?)).await?;
    let mut forced = body("nats");
    forced["force"] = true.into();
    for _ in 0..20 {
        let view = ask(&client, "build.force", &forced).await.unwrap();
        assert_eq!(view["status"], "new");
        assert_eq!(asked(&client).await["status"], "new", "right after it");
        let question = json!({ "id": key });
        let view = ask(&client, "build.get", &question).await.unwrap();
        assert_eq!(view["status"], "new");
        let cancelled = ask(&client, "build.cancel", &question).await.unwrap();
        let view = asked(&client).await;
        assert_eq!(view["revision"], cancelled["revision"]);
        assert_eq!(view["status"], "success", "the binary before is served");
    }
    until_remembered(&mut calls, &client).await?;
    ask(&client, "build.force", &forced).await.unwrap();
    build(&store, &key).await?;
    let view = until_status(&client, "success").await?;
    assert_eq!(until_remembered(&mut calls, &client).await?, view);
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn what_others_change_is_noticed() -> anyhow::Result<()> {
    let (_server, client, store, instance, mut calls, key) =
        Box::pin(remembered(NatsServer::start()?)).await?;
    let seen = store.builds.get(&key).await?.unwrap();
    let Written::Won(_) = store.expire(seen).await? else {
        anyhow::bail!("another client wrote the record");
    };
    until_status(&client, "new").await?;
    build(&store, &key).await?;
    until_remembered(&mut calls, &client).await?;
    // A value with a lifetime is removed by the server, without a message.
    let jetstream = async_nats::jetstream::new(client.clone());
    let stream = jetstream.get_stream("KV_builds").await?;
    let subject = format!("$KV.builds.{key}");
    let record = stream.get_last_raw_message_by_subject(&subject).await?;
    let passing = PublishMessage::build()
        .payload(record.payload)
        .ttl(Duration::from_secs(1));
    jetstream.send_publish(subject, passing).await?.await?;
    // The record was removed without permission: as soon as that is noticed, a request restores it.
    wait_until("the record to be restored", LIMIT, async || {
        asked(&client).await;
        Ok((store.builds.tampered().await?.count == 1).then_some(()))
    })
    .await?;
    let seen = store.builds.get(&key).await?.unwrap();
    assert!(seen.value.artifact().is_some(), "{seen:?}");
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_new_release_changes_what_a_request_means() -> anyhow::Result<()> {
    let (_server, client, store, instance, _calls, key) =
        Box::pin(remembered(NatsServer::start()?)).await?;
    let mut releases = store.catalog.watch();
    let mut newest = loop {
        match releases.next().await {
            WatchEvent::Value { record, .. }
                if record.value.module.as_str().contains("connect")
                    && record.value.version.as_str() == "v4.105.0" =>
            {
                break record.value;
            }
            WatchEvent::Value { .. } => {}
            other => anyhow::bail!("there is a release: {other:?}"),
        }
    };
    newest.version = "v4.999.0".parse()?;
    store.catalog.store(newest, Revision::new(u64::MAX)).await?;
    let view = until_status(&client, "new").await?;
    assert_ne!(view["id"], key.as_str());
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_nats_was_away_is_noticed() -> anyhow::Result<()> {
    let (mut server, client, store, instance, _calls, key) =
        Box::pin(remembered(NatsServer::alone()?)).await?;
    for _ in 0..3 {
        server.restart()?;
        let (_connection, other) = Box::pin(server.store()).await?;
        // Written before this instance can have followed any change again.
        let expired = wait_until("the record is expired", LIMIT, async || {
            let Ok(Some(seen)) = other.builds.get(&key).await else {
                return Ok(None);
            };
            Ok(other.expire(seen).await.ok())
        })
        .await?;
        assert!(matches!(expired, Written::Won(_)));
        let view = wait_until("an answer", LIMIT, async || {
            let question = body("nats").to_string().into();
            let reply = client.request("build.request", question).await.ok();
            let view: Option<Value> =
                reply.and_then(|reply| serde_json::from_slice(&reply.payload).ok());
            Ok(view.filter(|view| view["error"].get("code").is_none()))
        })
        .await?;
        assert_eq!(view["status"], "new", "{view}");
        build(&store, &key).await?;
        until_status(&client, "success").await?;
        // The observer has to be back, too, before it sees reads again.
        let mut calls = Calls::watch(&server).await?;
        until_remembered(&mut calls, &client).await?;
    }
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn two_instances_agree() -> anyhow::Result<()> {
    let (server, client, store, instance, mut calls, key) =
        Box::pin(remembered(NatsServer::start()?)).await?;
    let second = Instance::start(&server, unlimited()).await?;
    let mut forced = body("nats");
    forced["force"] = true.into();
    ask(&client, "build.force", &forced).await.unwrap();
    for _ in 0..50 {
        // Whichever of the two answers, it follows the write soon.
        until_status(&client, "new").await?;
    }
    build(&store, &key).await?;
    until_status(&client, "success").await?;
    until_remembered(&mut calls, &client).await?;
    instance.stop().await?;
    second.stop().await?;
    Ok(())
}
