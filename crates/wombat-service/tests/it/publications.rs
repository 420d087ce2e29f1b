//! Results are written as builds end, and records that were changed with a builder's key are put back.

use std::time::Duration;

use serde_json::{Value, json};
use wombat_model::{BuildKey, Sha256, Status};
use wombat_service::ServiceArgs;
use wombat_store::{Connection, Store, roles::NatsRole};
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    janitor::{LIMIT, build},
    support::{Instance, ask, unlimited},
};

fn args() -> ServiceArgs {
    ServiceArgs {
        janitor_interval: Duration::from_secs(1),
        ..unlimited()
    }
}

async fn record(store: &Connection, key: &BuildKey) -> anyhow::Result<Value> {
    let jetstream = async_nats::jetstream::new(store.client().clone());
    let stream = jetstream.get_stream("KV_builds").await?;
    let subject = format!("$KV.builds.{key}");
    let message = stream.get_last_raw_message_by_subject(&subject).await?;
    Ok(serde_json::from_slice(&message.payload)?)
}

async fn write(connection: &Connection, key: &BuildKey, json: &Value) -> anyhow::Result<()> {
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let subject = format!("$KV.builds.{key}");
    let sent = jetstream.publish(subject, serde_json::to_vec(json)?.into());
    sent.await?.await?;
    Ok(())
}

fn forged(honest: &Value, key: &BuildKey) -> Value {
    let mut json = honest.clone();
    json["builder"] = "thief".into();
    json["claim"] = "c9".into();
    json["artifact"] = format!("{key}/c9").into();
    json["sha256"] = Sha256::from_bytes([9; 32]).as_str().into();
    json
}

async fn until_concluded(store: &Store, key: &BuildKey) -> anyhow::Result<()> {
    wait_until("the result is written", LIMIT, async || {
        let published = store.publications.of(key).await?;
        Ok((!published.is_open() && published.binary().is_some()).then_some(()))
    })
    .await
}

async fn until_put_back(store: &Store, key: &BuildKey, sha256: &Value) -> anyhow::Result<()> {
    wait_until("the record is put back", LIMIT, async || {
        let record = store.builds.get(key).await?.unwrap().value;
        let artifact = record.artifact();
        Ok(artifact
            .filter(|it| it.sha256.as_str() == sha256 && record.status() == Status::Success)
            .map(drop))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_write_each_result_and_put_forged_records_back() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let thief = server.connection_as(NatsRole::Builder).await?;
    let _one = Instance::start(&server, args()).await?;
    let _other = Instance::start(&server, args()).await?;
    let key = build(&store, "p", 1000).await?;
    until_concluded(&store, &key).await?;
    let honest = record(&connection, &key).await?;

    let mut open = honest.clone();
    open["status"] = "building".into();
    let mut failed = honest.clone();
    failed["status"] = "failed".into();
    failed["error"] = "words".into();
    failed["failure"] = json!({"class": "compile"});
    let forged = forged(&honest, &key);
    for steps in [
        vec![&forged],
        vec![&open, &forged],
        vec![&failed],
        vec![&open],
    ] {
        for step in &steps {
            write(&thief, &key, step).await?;
        }
        until_put_back(&store, &key, &honest["sha256"]).await?;
    }

    let told = wait_until("the alarm is told", LIMIT, async || {
        let answer = ask(connection.client(), "build.health", &json!({})).await;
        let answer = answer.map_err(|body| anyhow::anyhow!("{body}"))?;
        Ok(answer["tampered"].as_str().map(str::to_owned))
    })
    .await?;
    assert!(told.contains(key.as_str()), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_while_no_service_ran_gets_its_result() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let thief = server.connection_as(NatsRole::Builder).await?;
    let key = build(&store, "p", 1000).await?;
    // More writes than a service reads again at its start.
    for n in 0..70 {
        build(&store, &format!("other-{n}"), 10).await?;
    }
    let instance = Instance::start(&server, args()).await?;
    until_concluded(&store, &key).await?;
    let state = instance.stop().await?;

    // What was changed meanwhile is found at the next start, too.
    let honest = record(&connection, &key).await?;
    write(&thief, &key, &forged(&honest, &key)).await?;
    let _instance = Instance::start_in(&server, args(), state).await?;
    until_put_back(&store, &key, &honest["sha256"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_cant_be_read_keeps_the_janitor_from_no_other_build() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let damaged = build(&store, "damaged", 1000).await?;
    let subject = format!("$KV.publications.grant.{damaged}.2");
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    jetstream.publish(subject, "nonsense".into()).await?.await?;
    let lost = build(&store, "lost", 1000).await?;
    let _instance = Instance::start(&server, args()).await?;
    until_concluded(&store, &lost).await?;
    let record = store.builds.get(&lost).await?.unwrap().value;
    let name = record.artifact().unwrap().name.clone();
    store.artifacts.remove(name.as_str()).await?;
    wait_until("a sweep finds that a binary is lost", LIMIT, async || {
        let record = store.builds.get(&lost).await?.unwrap().value;
        Ok(record.is_expired().then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_of_a_result_is_no_orphan() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let thief = server.connection_as(NatsRole::Builder).await?;
    let args = ServiceArgs {
        orphan_age: Duration::from_secs(1),
        ..args()
    };
    let _instance = Instance::start(&server, args).await?;
    let key = build(&store, "p", 1000).await?;
    until_concluded(&store, &key).await?;
    let honest = record(&connection, &key).await?;
    for _ in 0..5 {
        write(&thief, &key, &forged(&honest, &key)).await?;
        until_put_back(&store, &key, &honest["sha256"]).await?;
    }
    let name = honest["artifact"].as_str().unwrap();
    assert!(store.artifacts.is_whole(name).await?);
    Ok(())
}
