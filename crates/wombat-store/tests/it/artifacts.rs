//! Binaries: whole, checked, and only ever written once.

use std::time::Duration;

use wombat_model::{ArtifactName, BuildKey, Sha256};
use wombat_store::StoreError;
use wombat_testkit::{NatsServer, a_spec};

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

    store.artifacts.link(&key, &name).await?;
    let link = store.artifacts.find(key.as_str()).await?.unwrap();
    assert_eq!(link.link.as_deref(), Some(name.as_str()));
    store.artifacts.link(&key, &name).await?;

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
    orphan
        .publish("$O.artifacts.C.orphan", "left behind".into())
        .await?
        .await?;

    assert_eq!(
        store
            .artifacts
            .remove_orphan_chunks(Duration::from_hours(1))
            .await?,
        0,
        "too young"
    );
    assert_eq!(
        store.artifacts.remove_orphan_chunks(Duration::ZERO).await?,
        1
    );
    assert_eq!(
        store.artifacts.bytes("kept", 100).await?.as_deref(),
        Some(&b"kept"[..])
    );
    Ok(())
}
