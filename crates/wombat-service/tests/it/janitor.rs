//! Retention, links, orphans: a small bucket keeps working, and what is stored agrees with the records.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use futures::TryStreamExt as _;
use wombat_model::{ArtifactName, BuildKey, BuildSpec, BuildState, Failure, FailureClass};
use wombat_service::ServiceArgs;
use wombat_store::{ClaimOutcome, ProvisionOptions, Store, StoreError, SubmitOptions};
use wombat_testkit::{NatsServer, a_spec, succeed, wait_until};

use crate::support::{Instance, unlimited};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

fn args() -> ServiceArgs {
    ServiceArgs {
        keep_at_least: Duration::from_secs(1),
        orphan_age: Duration::from_secs(1),
        janitor_interval: Duration::from_secs(1),
        ..unlimited()
    }
}

/// Builds and stores a binary of this many bytes; waits for room where there is none.
pub(crate) async fn build(store: &Store, package: &str, size: usize) -> anyhow::Result<BuildKey> {
    build_of(store, &a_spec().package(package).build(), size).await
}

/// The same of this spec.
pub(crate) async fn build_of(
    store: &Store,
    spec: &BuildSpec,
    size: usize,
) -> anyhow::Result<BuildKey> {
    let key = spec.key();
    let submitted = store
        .builds
        .submit(spec, SubmitOptions::forced(), &store.artifacts)
        .await?;
    let claim = store
        .builds
        .claim(submitted.into_record(), &"builder-1".parse()?)
        .await?;
    let ClaimOutcome::Won(claim) = claim else {
        anyhow::bail!("the claim was lost");
    };
    let name = ArtifactName::new(&key, claim.id());
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), vec![7; size])?;
    let stored = wait_until("there is room", LIMIT, async || {
        match store.artifacts.put_file(&name, file.path()).await {
            Ok(stored) => Ok(Some(stored)),
            Err(StoreError::Full(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
    .await?;
    store
        .artifacts
        .put_bytes(&format!("{name}.recipe"), b"{}")
        .await?;
    succeed(store, *claim, stored).await?;
    store.artifacts.link(&key, &name).await?;
    Ok(key)
}

async fn is_expired(store: &Store, key: &BuildKey) -> anyhow::Result<bool> {
    let record = store.builds.get(key).await?.unwrap();
    Ok(matches!(
        record.value.state(),
        BuildState::Success { expired: true, .. }
    ))
}

pub(crate) async fn names(store: &Store) -> anyhow::Result<Vec<String>> {
    let objects = store.artifacts.list().await?;
    Ok(objects.into_iter().map(|object| object.name).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_bucket_holds_the_newest_of_many_builds() -> anyhow::Result<()> {
    const MIB: usize = 1024 * 1024;
    let server = NatsServer::start()?;
    let options = ProvisionOptions {
        artifacts_limit: Some(60 << 20),
        ..ProvisionOptions::default()
    };
    let (_connection, store) = server.store_with(&options).await?;
    let instance = Instance::start(&server, args()).await?;
    let mut keys = Vec::new();
    for n in 0..100 {
        keys.push(build(&store, &format!("p{n}"), 2 * MIB).await?);
    }
    wait_until("the bucket is below its threshold", LIMIT, async || {
        let (used, limit) = store.artifacts.usage().await?;
        Ok((used <= limit.unwrap() / 100 * 80).then_some(()))
    })
    .await?;
    let mut kept = 0;
    for (n, key) in keys.iter().enumerate() {
        let record = store.builds.get(key).await?.unwrap().value;
        match record.artifact() {
            Some(artifact) => {
                kept += 1;
                assert!(
                    store
                        .artifacts
                        .find(artifact.name.as_str())
                        .await?
                        .is_some(),
                    "{n}"
                );
            }
            None => assert!(is_expired(&store, key).await?, "{n}"),
        }
    }
    assert!((10..=24).contains(&kept), "{kept} of 100 are kept");
    assert!(is_expired(&store, &keys[0]).await? && !is_expired(&store, &keys[99]).await?);
    assert!(
        store.artifacts.find(keys[0].as_str()).await?.is_none(),
        "its link is gone too"
    );
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_comes_to_agree_with_the_records() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let whole = build(&store, "whole", 10).await?;
    let unlinked = build(&store, "unlinked", 10).await?;
    store.artifacts.remove(unlinked.as_str()).await?;
    let lost = build(&store, "lost", 10).await?;
    let lost_name = store
        .builds
        .get(&lost)
        .await?
        .unwrap()
        .value
        .artifact()
        .unwrap()
        .name
        .clone();
    store.artifacts.remove(lost_name.as_str()).await?;
    // A rebuild leaves the binary of the claim before it.
    let rebuilt = build(&store, "rebuilt", 10).await?;
    let old = store
        .builds
        .get(&rebuilt)
        .await?
        .unwrap()
        .value
        .artifact()
        .unwrap()
        .name
        .clone();
    build(&store, "rebuilt", 10).await?;
    let nobody = a_spec().package("nobody").build().key();
    let orphan = format!("{nobody}/c1");
    store.artifacts.put_bytes(&orphan, b"orphan").await?;
    store
        .artifacts
        .put_bytes("graph.of.somebody", b"else")
        .await?;

    let instance = Instance::start(&server, args()).await?;
    wait_until("orphans are gone", LIMIT, async || {
        let names = names(&store).await?;
        let gone = |name: &str| !names.iter().any(|stored| stored.starts_with(name));
        Ok((gone(&orphan) && gone(old.as_str()) && gone(lost_name.as_str())).then_some(()))
    })
    .await?;
    wait_until("the lost binary's record says so", LIMIT, async || {
        Ok(is_expired(&store, &lost).await?.then_some(()))
    })
    .await?;
    wait_until("the missing link is made", LIMIT, async || {
        Ok(store.artifacts.find(unlinked.as_str()).await?)
    })
    .await?;
    let names = names(&store).await?;
    assert!(
        names.contains(&"graph.of.somebody".to_owned()),
        "not an object of a build"
    );
    for key in [&whole, &rebuilt] {
        let name = store
            .builds
            .get(key)
            .await?
            .unwrap()
            .value
            .artifact()
            .unwrap()
            .name
            .clone();
        assert!(names.contains(&name.to_string()) && names.contains(&format!("{name}.recipe")));
        let link = store.artifacts.find(key.as_str()).await?.unwrap();
        assert_eq!(link.link.as_deref(), Some(name.as_str()));
    }
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn young_binaries_stay_even_where_room_is_short() -> anyhow::Result<()> {
    const MIB: usize = 1024 * 1024;
    let server = NatsServer::start()?;
    let options = ProvisionOptions {
        artifacts_limit: Some(10 << 20),
        ..ProvisionOptions::default()
    };
    let (_connection, store) = server.store_with(&options).await?;
    let careful = ServiceArgs {
        keep_at_least: Duration::from_hours(1),
        ..args()
    };
    let first = Instance::start(&server, careful.clone()).await?;
    let mut keys = Vec::new();
    for n in 0..4 {
        keys.push(build(&store, &format!("p{n}"), 2 * MIB + 200 * 1024).await?);
    }
    // Binaries are removed before orphans: once this one is gone, their turn is over.
    let orphan = format!("{}/c1", a_spec().package("nobody").build().key());
    store.artifacts.put_bytes(&orphan, b"orphan").await?;
    wait_until("a sweep is over", LIMIT, async || {
        let there = store.artifacts.find(&orphan).await?;
        Ok(there.is_none().then_some(()))
    })
    .await?;
    first.stop().await?;
    for key in &keys {
        assert!(!is_expired(&store, key).await?);
    }
    let second = Instance::start(&server, args()).await?;
    wait_until("room is made", LIMIT, async || {
        Ok(is_expired(&store, &keys[0]).await?.then_some(()))
    })
    .await?;
    assert!(!is_expired(&store, &keys[3]).await?);
    second.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_instance_cleans_up_and_another_takes_over() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let lease = Duration::from_secs(15);
    let first = Instance::start(&server, args()).await?;
    wait_until("the lock is taken", LIMIT, async || {
        Ok((!store.builders.hold_lock("janitor", "me", lease).await?).then_some(()))
    })
    .await?;
    first.stop().await?;
    assert!(
        store.builders.hold_lock("janitor", "me", lease).await?,
        "it was given back"
    );
    assert!(!store.builders.hold_lock("janitor", "you", lease).await?);
    store.builders.release_lock("janitor", "you").await?;
    assert!(
        store.builders.hold_lock("janitor", "me", lease).await?,
        "only its owner gives it back"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_of_what_was_compiled_goes_before_the_bucket_is_full() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let options = ProvisionOptions {
        fleet_cache_limit: Some(1 << 20),
        ..ProvisionOptions::default()
    };
    let (_connection, store) = server.store_with(&options).await?;
    for n in 0..100 {
        let value = vec![0; 9 * 1024].into();
        store.gocache.put(&format!("entry.{n}"), value).await?;
    }
    let instance = Instance::start(&server, args()).await?;
    let there = async |n: u32| {
        let kept = store.gocache.fetch(&[format!("entry.{n}")]);
        anyhow::Ok(kept.try_collect::<Vec<_>>().await?.len() == 1)
    };
    wait_until("room is made", LIMIT, async || {
        Ok((!there(0).await?).then_some(()))
    })
    .await?;
    assert!(there(99).await?, "the newest stays");
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_lost_its_hint_is_given_one() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let spec = a_spec().build();
    store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?;
    let key = spec.key();
    let rest = key.as_str().trim_start_matches("build.");
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let bucket = jetstream.get_stream("KV_builds").await?;
    let filter = format!("$KV.builds.open.{rest}");
    bucket.purge().filter(&filter).await?;

    let instance = Instance::start(&server, args()).await?;
    wait_until("the hint is back", LIMIT, async || {
        let hint = bucket.get_last_raw_message_by_subject(&filter).await;
        Ok(hint.is_ok().then_some(()))
    })
    .await?;
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_records_without_a_binary_go_before_no_new_build_is_taken() -> anyhow::Result<()>
{
    let server = NatsServer::start()?;
    let options = ProvisionOptions {
        builds_limit: Some(1 << 20),
        ..ProvisionOptions::default()
    };
    let (_connection, store) = server.store_with(&options).await?;
    let with_binary = build(&store, "kept", 1000).await?;
    let mut failed = Vec::new();
    let (used, limit) = loop {
        let spec = a_spec().package(&format!("p{}", failed.len())).build();
        let submitted = store
            .builds
            .submit(&spec, SubmitOptions::default(), &store.artifacts)
            .await?;
        let claim = store
            .builds
            .claim(submitted.into_record(), &"builder-1".parse()?)
            .await?;
        let ClaimOutcome::Won(claim) = claim else {
            anyhow::bail!("the claim was lost");
        };
        // As long as a compiler's output may be.
        let failure = Failure::new(FailureClass::Compile, "x".repeat(4000));
        store.builds.fail(*claim, failure).await?;
        failed.push(spec.key());
        let (used, limit, _) = store.builds.usage().await?;
        let limit = limit.unwrap();
        if used <= limit / 100 * 87 {
            continue;
        }
        // Markers of removed hints take room for a second.
        let used = wait_until("records alone to be left", LIMIT, async || {
            let (used, _, messages) = store.builds.usage().await?;
            Ok((messages == failed.len() as u64 + 1).then_some(used))
        })
        .await?;
        if used > limit / 100 * 86 {
            break (used, limit);
        }
    };
    assert!(used < limit / 100 * 90, "it is above where it is refused");
    let _instance = Instance::start(&server, args()).await?;
    wait_until("there is room", LIMIT, async || {
        let (used, ..) = store.builds.usage().await?;
        Ok((used < limit / 100 * 85).then_some(()))
    })
    .await?;
    assert!(store.builds.get(&with_binary).await?.is_some());
    assert_eq!(store.builds.get(&failed[0]).await?, None);
    let last = failed.last().unwrap();
    assert!(store.builds.get(last).await?.is_some(), "the newest stays");
    Ok(())
}

/// Bytes of all chunks and entries.
async fn stored_bytes(store: &Store) -> anyhow::Result<usize> {
    let (used, _) = store.artifacts.usage().await?;
    Ok(usize::try_from(used)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_a_claim_that_is_over_go_at_once() -> anyhow::Result<()> {
    const MIB: usize = 1 << 20;
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    // Orphans in general stay for an hour.
    let instance = Instance::start(&server, unlimited()).await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let bucket = jetstream.get_stream("OBJ_artifacts").await?;
    let mut claims = Vec::new();
    for (n, package) in ["cut", "held"].into_iter().enumerate() {
        let spec = a_spec().package(package).build();
        let submitted = store
            .builds
            .submit(&spec, SubmitOptions::default(), &store.artifacts);
        let record = submitted.await?.into_record();
        let claim = store.builds.claim(record, &"builder-1".parse()?).await?;
        let ClaimOutcome::Won(claim) = claim else {
            anyhow::bail!("the claim was lost");
        };
        // As if the builder had been stopped before it wrote the entry of its second upload.
        let name = ArtifactName::nth(&spec.key(), claim.id(), 2);
        let content = vec![u8::try_from(n)?; 2 * MIB];
        store.artifacts.put_bytes(name.as_str(), &content).await?;
        let entries = BASE64_URL_SAFE.encode(name.as_str());
        let entry = format!("$O.artifacts.M.{entries}");
        bucket.purge().filter(&entry).await?;
        claims.push(claim);
    }
    assert!(stored_bytes(&store).await? > 4 * MIB);
    let key = claims[0].key().clone();
    store.builds.cancel(&key).await?.unwrap().unwrap();
    wait_until(
        "the chunks of the cancelled build are gone",
        LIMIT,
        async || Ok((stored_bytes(&store).await? < 3 * MIB).then_some(())),
    )
    .await?;
    assert!(
        stored_bytes(&store).await? > 2 * MIB,
        "the other one's stay"
    );
    let held = claims.remove(1);
    store.builds.release(*held).await?;
    wait_until("all chunks are gone", LIMIT, async || {
        Ok((stored_bytes(&store).await? < MIB).then_some(()))
    })
    .await?;
    instance.stop().await?;
    Ok(())
}
