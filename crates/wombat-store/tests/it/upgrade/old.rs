//! An object store as version 0.1.0 made it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::Context as _;
use async_nats::jetstream::{
    self,
    context::PublishErrorKind,
    message::PublishMessage,
    stream::{Config, DiscardPolicy},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wombat_store::{Connection, Store};
use wombat_testkit::{NatsServer, wait_until};

/// Size of a chunk of the old objects, so that most have several.
const CHUNK: usize = 10_000;

/// How long a cluster may take to tell all its servers of a stream.
const PATIENCE: Duration = Duration::from_secs(10);

/// An object store as version 0.1.0 made it, and what is in it.
pub(super) struct OldStore {
    pub(super) jetstream: jetstream::Context,
    replicas: usize,
    bucket: &'static str,
    pub(super) content: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, String>,
}

impl OldStore {
    /// An empty one, in the place of the present one.
    pub(super) async fn made(
        nats: &NatsServer,
        connection: &Connection,
        bucket: &'static str,
    ) -> anyhow::Result<Self> {
        let store = Self {
            jetstream: jetstream::new(connection.client().clone()),
            replicas: nats.replicas().into(),
            bucket,
            content: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        drop(store.jetstream.delete_stream(format!("OBJ_{bucket}")).await);
        let config = Config {
            name: format!("OBJ_{bucket}"),
            subjects: vec![format!("$O.{bucket}.C.>"), format!("$O.{bucket}.M.>")],
            max_bytes: 77 << 20,
            max_message_size: -1,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            num_replicas: store.replicas,
            ..Config::default()
        };
        store.jetstream.create_stream(config).await?;
        wait_until("the other servers know the stream", PATIENCE, async || {
            store.is_heard().await
        })
        .await?;
        Ok(store)
    }

    /// Whether a message reaches the stream. In a cluster the server of this connection may not know yet who listens to a
    /// stream that was just created. What asks is refused, so that nothing is stored.
    async fn is_heard(&self) -> anyhow::Result<Option<()>> {
        let refused = PublishMessage::build().expected_last_sequence(u64::from(u32::MAX));
        let sent = self
            .jetstream
            .send_publish(self.entry_subject("nothing"), refused);
        match sent.await?.await {
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => Ok(None),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Ok(Some(())),
            Err(error) => Err(error.into()),
            Ok(_) => anyhow::bail!("a message that should be refused was stored"),
        }
    }

    pub(super) fn entry_subject(&self, name: &str) -> String {
        format!("$O.{}.M.{}", self.bucket, BASE64_URL_SAFE.encode(name))
    }

    pub(super) async fn write(
        &self,
        subject: String,
        message: PublishMessage,
    ) -> anyhow::Result<()> {
        self.jetstream.send_publish(subject, message).await?.await?;
        Ok(())
    }

    pub(super) async fn write_entry(&self, entry: &Value) -> anyhow::Result<()> {
        let subject = self.entry_subject(entry["name"].as_str().context("a name")?);
        let message = PublishMessage::build()
            .payload(entry.to_string().into())
            .header("Nats-Rollup", "sub");
        self.write(subject, message).await
    }

    pub(super) async fn put(&mut self, name: &str, content: Vec<u8>) -> anyhow::Result<()> {
        let nuid = uuid::Uuid::new_v4().simple().to_string();
        for chunk in content.chunks(CHUNK) {
            let message = PublishMessage::build().payload(chunk.to_vec().into());
            let subject = format!("$O.{}.C.{nuid}", self.bucket);
            self.write(subject, message).await?;
        }
        let digest = BASE64_URL_SAFE.encode(Sha256::digest(&content));
        self.write_entry(&json!({
            "name": name, "bucket": self.bucket, "nuid": nuid, "size": content.len(),
            "chunks": content.len().div_ceil(CHUNK), "mtime": "2026-11-01T00:00:00Z",
            "digest": format!("SHA-256={digest}"), "description": "of another client",
        }))
        .await?;
        self.content.insert(name.to_owned(), content);
        Ok(())
    }

    async fn link(&mut self, name: &str, target: &str) -> anyhow::Result<()> {
        self.write_entry(&json!({
            "name": name, "bucket": self.bucket, "size": 0, "chunks": 0, "mtime": "",
            "options": {"link": {"name": target, "bucket": self.bucket}},
        }))
        .await?;
        self.links.insert(name.to_owned(), target.to_owned());
        Ok(())
    }

    /// Objects of many sizes, links, and what crashes and removals leave.
    pub(super) async fn fill(&mut self) -> anyhow::Result<()> {
        for (n, size) in [0, 1, CHUNK, CHUNK + 1, 100_000, 555_555]
            .into_iter()
            .enumerate()
        {
            let content = (0..size).map(|i| u8::try_from((i * 7 + n) % 251).unwrap());
            self.put(&format!("build.x{n}/c1"), content.collect())
                .await?;
            self.put(&format!("build.x{n}/c1.recipe"), b"{}".to_vec())
                .await?;
            self.link(&format!("build.x{n}"), &format!("build.x{n}/c1"))
                .await?;
        }
        self.write_entry(&json!({
            "name": "removed", "bucket": self.bucket, "nuid": "gone", "deleted": true,
        }))
        .await?;
        for _ in 0..2 {
            let message = PublishMessage::build().payload("left behind".into());
            let subject = format!("$O.{}.C.orphan", self.bucket);
            self.write(subject, message).await?;
        }
        Ok(())
    }

    /// Everything is there, and nothing can be replaced.
    pub(super) async fn is_moved(&self, store: &Store) -> anyhow::Result<()> {
        let objects = match self.bucket {
            "artifacts" => &*store.artifacts,
            _ => &store.documents,
        };
        for (name, content) in &self.content {
            let found = objects.bytes(name, u64::MAX).await?;
            anyhow::ensure!(found.as_ref() == Some(content), "{name} differs");
            anyhow::ensure!(objects.is_whole(name).await?, "{name} lacks chunks");
        }
        for (name, target) in &self.links {
            let link = objects.find(name).await?.context("a link")?;
            anyhow::ensure!(link.link.as_ref() == Some(target), "{name}: {link:?}");
        }
        let mut names: BTreeSet<&String> = self.content.keys().collect();
        names.extend(self.links.keys());
        let listed = objects.list().await?;
        let listed: BTreeSet<&String> = listed.iter().map(|object| &object.name).collect();
        assert_eq!(listed, names);

        let stream = self.jetstream.get_stream(format!("OBJ_{}", self.bucket));
        let stream = stream.await?;
        let info = stream.cached_info();
        let config = &info.config;
        assert!(config.max_messages_per_subject == 1 && config.discard_new_per_subject);
        assert!(!config.allow_rollup && !config.sealed && !config.deny_purge);
        assert_eq!(info.state.messages, info.state.subjects_count);
        assert_eq!(config.max_bytes, 77 << 20, "the operator's choice");
        assert_eq!(config.num_replicas, self.replicas);
        assert!(!config.metadata.keys().any(|key| key.starts_with("wombat")));
        let copy = self
            .jetstream
            .get_stream(format!("OBJ_{}-upgrade", self.bucket));
        assert!(copy.await.is_err(), "the copy is gone");
        Ok(())
    }
}
