//! Which bytes are served when a record was changed with a builder's key.

use futures::StreamExt as _;
use reqwest::StatusCode;
use serde_json::Value;
use wombat_model::{Build, BuildKey};
use wombat_store::{Connection, Settled, roles::NatsRole};
use wombat_testkit::{NatsServer, a_spec};

use crate::support::{Api, artifact_path, building, finished, some_bytes, succeed};

async fn record(connection: &Connection, key: &BuildKey) -> anyhow::Result<Value> {
    let jetstream = async_nats::jetstream::new(connection.client().clone());
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

/// With a builder's key: makes the record of one build name the binary that another claim of the same build uploaded.
fn naming(honest: &Value, forged: &Value) -> Value {
    let mut json = honest.clone();
    for field in ["claim", "artifact", "size", "sha256", "builtBy"] {
        json[field] = forged[field].clone();
    }
    json["status"] = "success".into();
    json
}

#[tokio::test]
async fn a_changed_record_changes_no_download() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let thief = server.connection_as(NatsRole::Builder).await?;
    let api = Api::start(&server).await?;
    let spec = a_spec().build();
    let (honest, evil) = (some_bytes(50_000, 1), some_bytes(50_000, 2));
    let key = finished(&store, &spec, &honest).await?;
    let path = artifact_path(&key);
    // Its grant has no result yet: no download waits for the service.
    let early = api.get(&path).send().await?;
    assert_eq!(early.bytes().await?, honest);
    assert_eq!(store.settle(&key).await?, Settled::Concluded);
    let honest_record = record(&connection, &key).await?;

    // The stolen key uploads a binary of its own, and names it in the record.
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &evil)?;
    let name = format!("{key}/c9").parse()?;
    let stored = store.artifacts.put_file(&name, file.path()).await?;
    let forged = serde_json::json!({
        "claim": "c9", "artifact": name, "size": stored.size, "sha256": stored.sha256,
        "builtBy": "thief",
    });
    let mut open = honest_record.clone();
    open["status"] = "building".into();
    let forged = naming(&honest_record, &forged);
    for steps in [vec![&forged], vec![&open, &forged]] {
        for step in steps {
            write(&thief, &key, step).await?;
        }
        for _ in 0..3 {
            let answer = api.get(&path).send().await?;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.bytes().await?, honest);
        }
        let sums = api.get(&format!("{path}.sha256")).send().await?;
        let sha256 = honest_record["sha256"].as_str().unwrap();
        assert!(sums.text().await?.starts_with(sha256));
    }
    store.settle(&key).await?;
    let back = store.builds.get(&key).await?.unwrap().value;
    assert_eq!(
        back.artifact().unwrap().sha256.as_str(),
        honest_record["sha256"]
    );

    // A rebuild that the service granted may change the bytes.
    let claim = building(&store, &spec, true).await?;
    assert_eq!(api.get(&path).send().await?.bytes().await?, honest);
    succeed(&store, claim, &evil).await?;
    store.settle(&key).await?;
    assert_eq!(api.get(&path).send().await?.bytes().await?, evil);
    Ok(())
}

#[tokio::test]
async fn a_success_that_was_never_granted_isnt_served() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let thief = server.connection_as(NatsRole::Builder).await?;
    let api = Api::start(&server).await?;
    let real = finished(&store, &a_spec().build(), b"bytes").await?;
    let spec = a_spec().package("redis").build();
    let key = spec.key();
    let invented = Build::new(spec, 1, store.builds.server_time());
    let mut json: Value = serde_json::from_slice(&invented.to_record()?)?;
    let other = record(&connection, &real).await?;
    for field in ["size", "sha256", "builtBy", "claim", "builder"] {
        json[field] = other[field].clone();
    }
    json["artifact"] = format!("{key}/c1").into();
    json["status"] = "success".into();
    write(&thief, &key, &json).await?;
    for path in [
        artifact_path(&key),
        format!("{}.sha256", artifact_path(&key)),
        format!("/api/builds/{key}/contents"),
        format!("/api/builds/{key}/recipe"),
    ] {
        let answer = api.get(&path).send().await?;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn repeated_downloads_ask_no_leader() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let key = finished(&store, &a_spec().build(), b"bytes").await?;
    store.settle(&key).await?;
    let path = artifact_path(&key);
    // It is among the records that the gateway follows, and remembered to agree.
    api.get(&path).send().await?.bytes().await?;
    let client = connection.client();
    let mut calls = client
        .subscribe("$JS.API.STREAM.MSG.GET.KV_publications")
        .await?;
    client.flush().await?;
    for _ in 0..5 {
        assert_eq!(api.get(&path).send().await?.bytes().await?, "bytes");
    }
    let mark = "$JS.API.STREAM.MSG.GET.KV_publications";
    client.publish(mark, "mark".into()).await?;
    let first = calls.next().await.unwrap();
    assert_eq!(first.payload, "mark");
    Ok(())
}
