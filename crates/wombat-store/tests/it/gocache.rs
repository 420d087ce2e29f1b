//! The compile cache: values are written once, and read many at a time.

use futures::TryStreamExt as _;
use wombat_store::{GoCache, ProvisionOptions, PutOutcome, StoreError};
use wombat_testkit::NatsServer;

async fn read(cache: &GoCache, keys: &[&str]) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let mut values: Vec<(String, Vec<u8>)> = cache
        .fetch(&keys)
        .map_ok(|(key, value)| (key, value.to_vec()))
        .try_collect()
        .await?;
    values.sort();
    Ok(values)
}

#[tokio::test]
async fn a_value_is_written_once_and_read_with_others() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let cache = &store.gocache;
    assert_eq!(read(cache, &["entry.a"]).await?, []);
    assert_eq!(
        cache.put("entry.a", "one".into()).await?,
        PutOutcome::Stored
    );
    assert_eq!(
        cache.put("entry.b", "two".into()).await?,
        PutOutcome::Stored
    );
    assert_eq!(
        cache.put("entry.a", "other".into()).await?,
        PutOutcome::AlreadyThere
    );
    let value = |key: &str, value: &str| (key.to_owned(), value.as_bytes().to_vec());
    let both = [value("entry.a", "one"), value("entry.b", "two")];
    assert_eq!(read(cache, &["entry.a", "entry.c", "entry.b"]).await?, both);
    assert_eq!(read(cache, &["entry.*"]).await?, both);
    assert_eq!(read(cache, &[]).await?, []);

    // Not even a writer that doesn't check first can change it.
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let forced = jetstream
        .publish("$KV.gocache.entry.a", "forged".into())
        .await?
        .await;
    assert!(forced.is_err());
    assert_eq!(read(cache, &["entry.a"]).await?, both[..1]);
    Ok(())
}

#[tokio::test]
async fn a_full_bucket_takes_no_more_and_a_missing_one_says_so() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let options = ProvisionOptions {
        fleet_cache_limit: Some(1 << 20),
        ..ProvisionOptions::default()
    };
    let (connection, store) = server.store_with(&options).await?;
    let cache = &store.gocache;
    let large = || vec![7; 500 * 1024].into();
    cache.put("entry.a", large()).await?;
    cache.put("entry.b", large()).await?;
    let refused = cache.put("entry.c", large()).await;
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    assert_eq!(read(cache, &["entry.*"]).await?.len(), 2);

    cache.remove_oldest(0.5).await?;
    let left = read(cache, &["entry.*"]).await?;
    assert_eq!(
        left.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(),
        ["entry.b"]
    );
    assert_eq!(cache.put("entry.c", large()).await?, PutOutcome::Stored);

    let jetstream = async_nats::jetstream::new(connection.client().clone());
    jetstream.delete_stream("KV_gocache").await?;
    let missing = read(cache, &["entry.b"]).await;
    assert!(
        matches!(missing, Err(StoreError::Missing("gocache"))),
        "{missing:?}"
    );
    Ok(())
}
