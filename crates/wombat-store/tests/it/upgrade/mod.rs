//! The object stores of an earlier version are moved into write-once ones, and lose nothing, wherever that is cut.

mod old;
mod results;

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::message::PublishMessage;
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use serde_json::Value;
use tokio::time::timeout;
use wombat_model::{Presence, SandboxLevel, Template};
use wombat_store::{
    ProvisionError, ProvisionOptions, Store, StoreError, UpgradeError, provision, provision_within,
};
use wombat_testkit::{NatsServer, NatsServerConfig};

use old::OldStore;

/// How long processes may take to stop.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn everything_of_an_earlier_version_is_moved() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, _store) = nats.store().await?;
    let mut olds = Vec::new();
    for bucket in ["artifacts", "catalog-docs"] {
        let mut old = OldStore::made(&nats, &connection, bucket).await?;
        old.fill().await?;
        olds.push(old);
    }
    let subject = olds[0].entry_subject("build.x4/c1");
    let name = "OBJ_artifacts";
    let entry = async || -> anyhow::Result<Value> {
        let stream = olds[0].jetstream.get_stream(name).await?;
        let message = stream.get_last_raw_message_by_subject(&subject).await?;
        Ok(serde_json::from_slice(&message.payload)?)
    };
    let before = entry().await?;
    provision(&connection, &ProvisionOptions::default()).await?;
    let store = Store::open(&connection).await?;
    for old in &olds {
        old.is_moved(&store).await?;
    }
    // Fields that other clients wrote stay.
    let mut after = entry().await?;
    assert_ne!(after["nuid"], before["nuid"]);
    after["nuid"] = before["nuid"].clone();
    assert_eq!(after, before);

    let stream = olds[0].jetstream.get_stream(name).await?;
    let created = stream.cached_info().created;
    provision(&connection, &ProvisionOptions::default()).await?;
    let stream = olds[0].jetstream.get_stream(name).await?;
    assert_eq!(stream.cached_info().created, created, "once is enough");
    // It is used as any other.
    store.artifacts.put_bytes("new", b"new").await?;
    Ok(())
}

#[tokio::test]
async fn what_is_damaged_is_left_out_and_stops_nothing() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, _store) = nats.store().await?;
    let mut old = OldStore::made(&nats, &connection, "artifacts").await?;
    old.fill().await?;
    old.put("lacking", vec![1; 50_000]).await?;
    let stream = old.jetstream.get_stream("OBJ_artifacts").await?;
    let last = stream.cached_info().state.last_sequence;
    stream.delete_message(last - 3).await?;
    old.put("wrong", vec![2; 50_000]).await?;
    let subject = old.entry_subject("wrong");
    let entry = stream.get_last_raw_message_by_subject(&subject).await?;
    let mut entry: Value = serde_json::from_slice(&entry.payload)?;
    entry["digest"] = format!("SHA-256={}", BASE64_URL_SAFE.encode([0; 32])).into();
    old.write_entry(&entry).await?;
    for name in ["lacking", "wrong"] {
        old.content.remove(name);
    }
    let junk = PublishMessage::build().payload("junk".into());
    old.write(old.entry_subject("junk"), junk).await?;
    provision(&connection, &ProvisionOptions::default()).await?;
    old.is_moved(&Store::open(&connection).await?).await
}

/// What a cut leaves.
async fn streams(old: &OldStore) -> (bool, bool, bool) {
    let found = old.jetstream.get_stream("OBJ_artifacts").await.ok();
    let config = found.map(|stream| stream.cached_info().config.clone());
    let is_old = config
        .as_ref()
        .is_some_and(|config| config.max_messages_per_subject != 1);
    let is_unfinished = config.is_some_and(|config| config.metadata.contains_key("wombat-upgrade"));
    let copy = old.jetstream.get_stream("OBJ_artifacts-upgrade").await;
    (is_old, is_unfinished, copy.is_ok())
}

#[tokio::test]
async fn a_move_that_is_cut_at_any_point_is_continued() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, _store) = nats.store().await?;
    let mut old = OldStore::made(&nats, &connection, "artifacts").await?;
    old.fill().await?;
    let options = ProvisionOptions {
        // They were stopped long ago, and looking takes longer than most of these moves.
        upgrade_while_running: true,
        ..ProvisionOptions::default()
    };
    let locks = old.jetstream.get_stream("KV_builders").await?;
    let mut seen = BTreeMap::new();
    let mut cuts = 0_u32;
    loop {
        let limit = Duration::from_millis(5) + Duration::from_millis(1) * cuts;
        // The lock of one that was killed expires by itself; this needn't wait for that.
        locks.purge().filter("$KV.builders.lock.upgrade").await?;
        match timeout(limit, Box::pin(provision(&connection, &options))).await {
            Ok(done) => {
                done?;
                break;
            }
            Err(_) => *seen.entry(streams(&old).await).or_insert(0) += 1,
        }
        if streams(&old).await.1 {
            let opened = Store::open(&connection).await;
            assert!(
                matches!(opened, Err(StoreError::Unfinished("artifacts"))),
                "a half-filled store is used: {opened:?}"
            );
        }
        cuts += 1;
    }
    println!("{cuts} cuts; (old, unfinished, copy): {seen:?}");
    assert!(
        seen.contains_key(&(true, false, true)),
        "cut while it was copied out"
    );
    assert!(
        seen.contains_key(&(false, true, true)),
        "cut while it was copied back"
    );
    old.is_moved(&Store::open(&connection).await?).await
}

#[tokio::test]
async fn two_at_a_time_upgrade_once() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, _store) = nats.store().await?;
    let mut old = OldStore::made(&nats, &connection, "artifacts").await?;
    old.fill().await?;
    let options = ProvisionOptions::default();
    let other = nats.connection().await?;
    let (one, two) = tokio::join!(
        Box::pin(provision(&connection, &options)),
        Box::pin(provision(&other, &options))
    );
    one?;
    two?;
    old.is_moved(&Store::open(&connection).await?).await
}

/// A builder of version 0.1.0.
fn a_builder() -> anyhow::Result<Presence> {
    Ok(Presence {
        builder: "fox-1".parse()?,
        host: "h".into(),
        version: "0.1.0".into(),
        workers: 1,
        catalog_workers: 0,
        active: Vec::new(),
        go: None,
        draining: false,
        problem: None,
        sandbox: SandboxLevel::None,
        templates: Template::KNOWN.to_vec(),
        lease_ms: 60_000,
    })
}

#[tokio::test]
async fn nothing_is_moved_while_builders_run() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let mut old = OldStore::made(&nats, &connection, "artifacts").await?;
    old.fill().await?;
    let presence = a_builder()?;
    let lease = Duration::from_mins(1);
    store.builders.renew(&presence, lease).await?;
    let options = ProvisionOptions::default();
    let refused = Box::pin(provision_within(&connection, &options, PATIENCE)).await;
    let Err(ProvisionError::Upgrade(UpgradeError::Running { running, .. })) = refused else {
        anyhow::bail!("{refused:?}");
    };
    assert_eq!(running, "builder fox-1 (0.1.0)");
    assert_eq!(
        streams(&old).await,
        (true, false, false),
        "nothing was changed"
    );
    store.builders.leave(&presence.builder).await?;
    Box::pin(provision_within(&connection, &options, PATIENCE)).await?;
    old.is_moved(&Store::open(&connection).await?).await
}

#[tokio::test]
async fn without_room_for_a_copy_nothing_is_moved() -> anyhow::Result<()> {
    let nats = NatsServer::with(&NatsServerConfig {
        own_users: true,
        extra: "accounts { W { jetstream: { max_file: 20G, max_streams: 8 }, users: [{ user: w, password: w }] } }\n\
                no_auth_user: w"
            .to_owned(),
        ..NatsServerConfig::default()
    })?;
    let (connection, _store) = nats.store().await?;
    let mut old = OldStore::made(&nats, &connection, "artifacts").await?;
    old.fill().await?;
    let options = ProvisionOptions::default();
    let refused = Box::pin(provision(&connection, &options)).await;
    let Err(ProvisionError::Upgrade(error @ UpgradeError::NoRoom { .. })) = refused else {
        anyhow::bail!("{refused:?}");
    };
    println!("{error}");
    assert_eq!(
        streams(&old).await,
        (true, false, false),
        "nothing was changed"
    );
    Ok(())
}

/// Few messages, none of which shares its subject: there is nothing to move.
#[tokio::test]
async fn a_store_without_large_objects_is_updated_in_place() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, _store) = nats.store().await?;
    let mut old = OldStore::made(&nats, &connection, "artifacts").await?;
    old.put("small", b"small".to_vec()).await?;
    let stream = old.jetstream.get_stream("OBJ_artifacts").await?;
    let created = stream.cached_info().created;
    provision(&connection, &ProvisionOptions::default()).await?;
    let stream = old.jetstream.get_stream("OBJ_artifacts").await?;
    assert_eq!(stream.cached_info().created, created);
    old.is_moved(&Store::open(&connection).await?).await
}
