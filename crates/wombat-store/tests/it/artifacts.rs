//! Binaries: whole, checked, and only ever written once.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use tokio::io::AsyncWriteExt;
use wombat_model::{ArtifactName, BuildKey, Sha256};
use wombat_store::{OrphanChunks, Store, StoreError, roles::NatsRole};
use wombat_testkit::{NatsServer, a_spec, wait_until};

/// Longest wait for other processes.
const LIMIT: Duration = Duration::from_secs(20);

fn name(claim: &str) -> (BuildKey, ArtifactName) {
    let key = a_spec().build().key();
    let name = ArtifactName::new(&key, &claim.parse().unwrap());
    (key, name)
}

#[tokio::test]
async fn a_binary_of_many_chunks_comes_back_whole() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let (key, name) = name("c1");
    let content: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
    let source = nats.directory().join("source");
    std::fs::write(&source, &content)?;

    let stored = store.artifacts.put_file(&name, &source).await?;
    assert_eq!(stored.size, content.len() as u64);
    let sha256 = stored.sha256.unwrap();

    let copy = nats.directory().join("copy");
    assert!(store.artifacts.fetch(&name, &sha256, &copy).await?);
    assert_eq!(std::fs::read(&copy)?, content);

    assert!(store.artifacts.link(&key, &name).await?);
    let link = store.artifacts.find(key.as_str()).await?.unwrap();
    assert_eq!(link.link.as_deref(), Some(name.as_str()));
    assert!(store.artifacts.link(&key, &name).await?, "it is there");

    let wrong = Sha256::from_bytes([0; 32]);
    let refused = store.artifacts.fetch(&name, &wrong, &copy).await;
    assert!(
        matches!(refused, Err(StoreError::Corrupt { .. })),
        "{refused:?}"
    );

    store.artifacts.remove(name.as_str()).await?;
    assert!(!store.artifacts.fetch(&name, &sha256, &copy).await?);
    Ok(())
}

/// A builder has no right to purge, which moving a link takes.
#[tokio::test]
async fn a_link_is_moved_by_the_service_alone() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_admin, store) = nats.store().await?;
    let as_role = async |role| -> anyhow::Result<Store> {
        let connection = nats.connection_as(role).await?;
        Ok(Store::open(&connection).await?)
    };
    let builder = as_role(NatsRole::Builder).await?.artifacts;
    let service = as_role(NatsRole::Service).await?.artifacts;
    let (key, first) = name("c1");
    let (_, second) = name("c2");
    for name in [&first, &second] {
        builder.put_bytes(name.as_str(), b"bytes").await?;
    }
    let linked = async || -> anyhow::Result<Option<String>> {
        let link = store.artifacts.find(key.as_str()).await?;
        Ok(link.and_then(|link| link.link))
    };
    assert!(builder.link(&key, &first).await?);
    assert!(!builder.link(&key, &second).await?);
    assert_eq!(linked().await?.as_deref(), Some(first.as_str()));
    service.move_link(&key, &second).await?;
    assert_eq!(linked().await?.as_deref(), Some(second.as_str()));
    service.remove(key.as_str()).await?;
    assert_eq!(linked().await?, None);
    service.move_link(&key, &first).await?;
    assert_eq!(linked().await?.as_deref(), Some(first.as_str()));
    Ok(())
}

#[tokio::test]
async fn small_objects_are_bounded() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    store.artifacts.put_bytes("note", b"twelve bytes").await?;
    assert_eq!(
        store.artifacts.bytes("note", 100).await?.as_deref(),
        Some(&b"twelve bytes"[..])
    );
    assert!(store.artifacts.bytes("note", 11).await.is_err());
    assert_eq!(store.artifacts.bytes("nothing", 100).await?, None);
    Ok(())
}

#[tokio::test]
async fn chunks_of_broken_uploads_are_removed_and_no_others() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    store.artifacts.put_bytes("kept", b"kept").await?;
    let orphan = async_nats::jetstream::new(connection.client().clone());
    // Of version 0.1.0, and of this one.
    for chunk in ["orphan", "fox.id.0", "fox.id.1"] {
        let subject = format!("$O.artifacts.C.{chunk}");
        let sent = orphan.publish(subject, "left behind".into()).await?;
        sent.await?;
    }

    let mut seen = OrphanChunks::default();
    let mut remove = async |age| store.artifacts.remove_orphan_chunks(&mut seen, age).await;
    assert_eq!(remove(Duration::from_hours(1)).await?, 0, "too young");
    assert_eq!(remove(Duration::ZERO).await?, 2);
    assert_eq!(remove(Duration::ZERO).await?, 0);
    assert_eq!(
        store.artifacts.bytes("kept", 100).await?.as_deref(),
        Some(&b"kept"[..])
    );
    Ok(())
}

/// A builder may write any entry.
#[tokio::test]
async fn an_entry_that_names_the_chunks_of_all_objects_takes_none_with_it() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let (_, victim) = name("c1");
    store.artifacts.put_bytes(victim.as_str(), b"bytes").await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    for nuid in [">", "*"] {
        let (_, forged) = name("c2");
        let subject = format!("$O.artifacts.M.{}", BASE64_URL_SAFE.encode(forged.as_str()));
        let entry = serde_json::json!({"name": forged, "bucket": "artifacts", "nuid": nuid, "size": 5, "chunks": 1});
        let sent = jetstream.publish(subject, entry.to_string().into());
        sent.await?.await?;
        let found = store.artifacts.find(forged.as_str()).await;
        assert!(
            matches!(found, Err(StoreError::Corrupt { .. })),
            "{found:?}"
        );
        store.artifacts.remove(forged.as_str()).await?;
        assert!(store.artifacts.find(forged.as_str()).await?.is_none());
        assert!(store.artifacts.is_whole(victim.as_str()).await?);
    }
    Ok(())
}

async fn take_chunks(connection: &wombat_store::Connection) -> anyhow::Result<()> {
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("OBJ_artifacts").await?;
    stream.purge().filter("$O.artifacts.C.>").await?;
    Ok(())
}

#[tokio::test]
async fn a_binary_whose_chunks_are_gone_is_lost_and_not_served() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let (_, name) = name("c1");
    let stored = store.artifacts.put_bytes(name.as_str(), b"bytes").await?;
    assert!(store.artifacts.is_whole(name.as_str()).await?);
    take_chunks(&connection).await?;
    assert!(!store.artifacts.is_whole(name.as_str()).await?);
    let copy = nats.directory().join("copy");
    let sha256 = stored.sha256.unwrap();
    assert!(!store.artifacts.fetch(&name, &sha256, &copy).await?);
    let bytes = store.artifacts.bytes(name.as_str(), 100).await;
    assert!(matches!(bytes, Err(StoreError::Lost(_))), "{bytes:?}");
    Ok(())
}

#[tokio::test]
async fn an_upload_whose_chunks_are_taken_under_it_fails() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let (_, name) = name("c1");
    let file = nats.directory().join("pipe");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU)?;
    let feeding = async {
        let mut pipe = tokio::fs::OpenOptions::new()
            .write(true)
            .open(&file)
            .await?;
        // More than is sent without acknowledgement, so that some of it is stored before the rest comes.
        pipe.write_all(&vec![1; 4_000_000]).await?;
        pipe.flush().await?;
        wait_until("chunks to be stored", LIMIT, async || {
            Ok((store.artifacts.usage().await?.0 > 1_000_000).then_some(()))
        })
        .await?;
        take_chunks(&connection).await?;
        pipe.write_all(&vec![2; 1_000_000]).await?;
        anyhow::Ok(())
    };
    let (stored, fed) = tokio::join!(store.artifacts.put_file(&name, &file), feeding);
    fed?;
    assert!(matches!(stored, Err(StoreError::Lost(_))), "{stored:?}");
    assert!(store.artifacts.find(name.as_str()).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn reading_leaves_no_consumer_behind() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    store.artifacts.put_bytes("note", b"twelve bytes").await?;
    for _ in 0..20 {
        store.artifacts.bytes("note", 100).await?;
    }
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("OBJ_artifacts").await?;
    wait_until("the last consumer to go", LIMIT, async || {
        Ok((stream.get_info().await?.state.consumer_count == 0).then_some(()))
    })
    .await
}
