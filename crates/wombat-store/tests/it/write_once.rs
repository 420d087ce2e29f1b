//! What the server refuses, whatever a client sends: second messages of objects, rollups, lifetimes.

use std::time::Duration;

use async_nats::{Client, HeaderMap};
use futures::future::join_all;
use serde_json::Value;
use wombat_store::{PutOutcome, StoreError};
use wombat_testkit::NatsServer;

const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";

/// The server's answer to a message.
async fn sent(client: &Client, subject: &str, headers: &[(&str, &str)]) -> anyhow::Result<Value> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, *value);
    }
    let asked = client.request_with_headers(subject.to_owned(), map, "x".into());
    Ok(serde_json::from_slice(&asked.await?.payload)?)
}

/// The code of its refusal, if it refuses.
async fn refused(
    client: &Client,
    subject: &str,
    headers: &[(&str, &str)],
) -> anyhow::Result<Option<u64>> {
    let answer = sent(client, subject, headers).await?;
    Ok(answer["error"]["err_code"].as_u64())
}

#[tokio::test]
async fn nothing_replaces_an_entry_or_a_chunk() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, _store) = nats.store().await?;
    let client = connection.client();
    let jetstream = async_nats::jetstream::new(client.clone());
    for bucket in ["artifacts", "catalog-docs"] {
        let stream = jetstream.get_stream(format!("OBJ_{bucket}")).await?;
        for subject in [
            format!("$O.{bucket}.M.eA=="),
            format!("$O.{bucket}.C.a.b.0"),
        ] {
            let first = sent(client, &subject, &[(EXPECTED, "0")]).await?;
            let sequence = first["seq"].as_u64().unwrap();
            let right = sequence.to_string();
            for (headers, code) in [
                (&[][..], 10077),
                (&[(EXPECTED, "0")], 10071),
                (&[(EXPECTED, right.as_str())], 10077),
                (&[("KV-Operation", "DEL")], 10077),
                (
                    &[("KV-Operation", "PURGE"), (EXPECTED, right.as_str())],
                    10077,
                ),
                (&[("Nats-Rollup", "sub")], 10111),
                (&[("Nats-Rollup", "all")], 10111),
                (&[("Nats-TTL", "1")], 10166),
            ] {
                let found = refused(client, &subject, headers).await?;
                assert_eq!(found, Some(code), "{subject} {headers:?}");
            }
            for headers in [
                &[
                    ("Nats-Batch-Id", "b"),
                    ("Nats-Batch-Sequence", "1"),
                    ("Nats-Batch-Commit", "1"),
                ][..],
                &[
                    ("Nats-Schedule", "@at 2030-01-01T00:00:00Z"),
                    ("Nats-Schedule-Target", subject.as_str()),
                ],
                &[("Nats-Incr", "1")],
            ] {
                let found = refused(client, &subject, headers).await?;
                assert!(found.is_some(), "{subject} {headers:?}");
            }
            let last = stream.get_last_raw_message_by_subject(&subject).await?;
            assert_eq!(last.sequence, sequence, "{subject}");

            stream.purge().filter(&subject).await?;
            assert_eq!(refused(client, &subject, &[(EXPECTED, "0")]).await?, None);
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_stream_takes_a_rollup() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, _store) = nats.store().await?;
    let client = connection.client();
    for subject in [
        "$KV.builds.build.linux.amd64.x",
        "$KV.builders.fox",
        "$KV.catalog.import.x",
        "$KV.gocache.a.x",
        "$O.artifacts.M.x",
        "$O.catalog-docs.M.x",
        "build.logs.linux.amd64.x",
    ] {
        for rollup in ["sub", "all"] {
            let found = refused(client, subject, &[("Nats-Rollup", rollup)]).await?;
            assert_eq!(found, Some(10111), "{subject} {rollup}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_of_many_writers_of_a_name_wins() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let client = connection.client();
    let subject = "$O.artifacts.M.eA==";
    let writers = (0..20).map(|_| refused(client, subject, &[(EXPECTED, "0")]));
    let outcomes: Vec<Option<u64>> = join_all(writers)
        .await
        .into_iter()
        .collect::<anyhow::Result<_>>()?;
    let winners = outcomes.iter().filter(|code| code.is_none()).count();
    assert_eq!(winners, 1, "{outcomes:?}");

    let objects = &store.artifacts;
    let puts = (0..10_u8).map(|n| async move { objects.put_bytes("one", &[n; 1000]).await });
    let puts = join_all(puts).await;
    let won = puts.iter().filter(|put| put.is_ok()).count();
    assert_eq!(won, 1, "{puts:?}");
    let bytes = objects.bytes("one", 1000).await?.unwrap();
    let winner = puts.iter().position(Result::is_ok).unwrap();
    assert_eq!(bytes, vec![u8::try_from(winner)?; 1000]);
    // A name that is taken isn't a store that is full.
    assert!(
        puts.iter()
            .all(|put| !matches!(put, Err(StoreError::Full(_)))),
        "{puts:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_second_value_of_the_compile_cache_is_told_from_a_full_one() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let put = async |value: &'static str| store.gocache.put("a.x", value.into()).await;
    assert_eq!(put("one").await?, PutOutcome::Stored);
    assert_eq!(put("two").await?, PutOutcome::AlreadyThere);
    Ok(())
}

/// An entry by a stolen key: it can't name what isn't its own, so removing it takes nothing with it.
#[tokio::test]
async fn an_entry_that_names_the_chunks_of_others_isnt_believed() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let objects = &store.artifacts;
    objects.put_bytes("good", b"good bytes").await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("OBJ_artifacts").await?;
    let entry = stream
        .get_last_raw_message_by_subject("$O.artifacts.M.Z29vZA==")
        .await?;
    let good: Value = serde_json::from_slice(&entry.payload)?;
    let mut bad = good.clone();
    bad["name"] = "evil".into();
    for nuid in [
        good["nuid"].clone(),
        ">".into(),
        "*.*.*".into(),
        "test.>".into(),
    ] {
        bad["nuid"] = nuid;
        let subject = "$O.artifacts.M.ZXZpbA==";
        jetstream
            .publish(subject, bad.to_string().into())
            .await?
            .await?;
        let found = objects.find("evil").await;
        assert!(
            matches!(found, Err(StoreError::Corrupt { .. })),
            "{found:?}"
        );
        assert!(!objects.is_whole("evil").await?);
        assert_eq!(objects.list().await?.len(), 1);
        objects.remove("evil").await?;
        assert_eq!(objects.find("evil").await?, None);
        assert!(objects.is_whole("good").await?);
    }
    assert_eq!(
        objects.bytes("good", 100).await?.as_deref(),
        Some(&b"good bytes"[..])
    );
    Ok(())
}

#[tokio::test]
async fn a_removed_object_frees_its_name_and_its_room() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let objects = &store.artifacts;
    let (before, _) = objects.usage().await?;
    objects.put_bytes("one", &vec![1; 2_000_000]).await?;
    objects.remove("one").await?;
    objects.remove("one").await?;
    assert_eq!(objects.usage().await?.0, before);
    assert_eq!(objects.find("one").await?, None);
    objects.put_bytes("one", b"again").await?;
    assert_eq!(
        objects.bytes("one", 100).await?.as_deref(),
        Some(&b"again"[..])
    );
    // None of its chunks is taken for one without an object.
    let mut seen = wombat_store::OrphanChunks::default();
    let removed = objects
        .remove_orphan_chunks(&mut seen, Duration::ZERO)
        .await?;
    assert_eq!(removed, 0);
    Ok(())
}

#[tokio::test]
async fn a_chunk_that_its_owner_adds_takes_nothing_away() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    store.artifacts.put_bytes("ours", b"bytes").await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("OBJ_artifacts").await?;
    let chunk = stream.get_first_raw_message_by_subject("$O.artifacts.C.>", 1);
    let subject = chunk.await?.subject.to_string();
    let (group, _) = subject.rsplit_once('.').unwrap();
    sent(connection.client(), &format!("{group}.99"), &[]).await?;
    assert!(store.artifacts.is_whole("ours").await?);
    let read = store.artifacts.bytes("ours", 100).await?;
    assert_eq!(read.as_deref(), Some(&b"bytes"[..]));
    Ok(())
}
