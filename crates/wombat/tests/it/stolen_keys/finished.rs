//! Finished builds, which attackers want to replace.

use anyhow::Context as _;
use async_nats::{Client, jetstream};
use bytes::Bytes;
use serde_json::Value;
use wombat_model::{ArtifactName, BuildKey, BuilderId};
use wombat_store::{ClaimOutcome, Store, roles::NatsRole};
use wombat_testkit::{Site, a_distinct_request, artifact_path, go_binary, succeed};

use super::{layout::Layout, scene::LIMIT};

/// A finished build.
#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub(super) key: BuildKey,
    pub(super) request: Value,
    /// What its official address gives.
    pub(super) bytes: Bytes,
    /// Its record.
    pub(super) record: Value,
}

impl Finished {
    /// The path of its binary.
    pub(super) fn path(&self) -> String {
        artifact_path(self.key.as_str())
    }
}

/// The record of a build as it is stored; null, if there is none.
pub(super) async fn record(admin: &Client, key: &BuildKey) -> anyhow::Result<Value> {
    let stream = jetstream::new(admin.clone())
        .get_stream("KV_builds")
        .await?;
    let subject = format!("$KV.builds.{key}");
    let Ok(message) = stream.get_last_raw_message_by_subject(&subject).await else {
        return Ok(Value::Null);
    };
    Ok(serde_json::from_slice(&message.payload).unwrap_or_default())
}

/// Requests a build, and waits until its binary can be downloaded.
pub(super) async fn finish(
    site: &Site,
    admin: &Client,
    request: Value,
) -> anyhow::Result<Finished> {
    let id = site.asked(&request).await?;
    site.until(&id, "success", LIMIT).await?;
    let key: BuildKey = id.parse()?;
    Ok(Finished {
        bytes: site.bytes(&artifact_path(&id)).await?,
        record: record(admin, &key).await?,
        key,
        request,
    })
}

/// The same, while the builder whose key is stolen is honest, and the only one.
pub(super) async fn finished_by_hand(
    layout: &Layout,
    site: &Site,
    admin: &Client,
) -> anyhow::Result<Finished> {
    let user = Layout::stolen(NatsRole::Builder);
    let connection = layout.connection(NatsRole::Builder, &user).await?;
    let store = Store::open(&connection).await?;
    let request = a_distinct_request(0);
    let key: BuildKey = site.asked(&request).await?.parse()?;
    let record = store.builds.get(&key).await?.context("a record")?;
    let builder: BuilderId = format!("{}-own", connection.user()).parse()?;
    let ClaimOutcome::Won(claim) = store.builds.claim(record, &builder).await? else {
        anyhow::bail!("there is no other builder");
    };
    let name = ArtifactName::new(&key, claim.id());
    let binary = go_binary("go1.26.8", "path\twombat/binary\n");
    let stored = store.artifacts.put_bytes(name.as_str(), &binary).await?;
    succeed(&store, *claim, stored).await?;
    store.artifacts.link(&key, &name).await?;
    connection.close().await;
    finish(site, admin, request).await
}
