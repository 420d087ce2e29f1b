//! Everything that the streams hold, and how it differs from an earlier moment.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, ensure};
use async_nats::{
    Client,
    jetstream::{self, consumer::pull::OrderedConfig, stream::Info},
};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

/// Longest wait for the next message.
const LIMIT: Duration = Duration::from_secs(20);
/// Heartbeats change it all the time, so only its subjects count.
const HEARTBEATS: &str = "KV_builders";
/// Streams that refuse a second message under a subject.
const WRITE_ONCE: [&str; 4] = [
    "KV_publications",
    "KV_gocache",
    "OBJ_artifacts",
    "OBJ_catalog-docs",
];

/// The last message of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) sequence: u64,
    digest: [u8; 32],
}

/// The streams at one moment.
#[derive(Debug)]
pub(super) struct Stored {
    /// Configuration and creation time of each stream.
    streams: BTreeMap<String, Value>,
    /// The last message of each subject, by stream and subject.
    pub(super) messages: BTreeMap<(String, String), Last>,
}

/// How a subject differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    Added,
    Removed,
    Changed,
}

/// A subject that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) stream: String,
    pub(super) subject: String,
    pub(super) how: Difference,
}

impl Change {
    /// Whether something was replaced or removed that is written once.
    pub(super) fn is_of_written_once(&self) -> bool {
        self.how != Difference::Added && WRITE_ONCE.contains(&self.stream.as_str())
    }
}

impl Stored {
    pub(super) async fn read(admin: &Client) -> anyhow::Result<Self> {
        let context = jetstream::new(admin.clone());
        let mut all = Self {
            streams: BTreeMap::new(),
            messages: BTreeMap::new(),
        };
        let infos: Vec<Info> = context.streams().try_collect().await?;
        for info in infos {
            let name = info.config.name.clone();
            let about = json!({"config": info.config, "created": info.created.to_string()});
            all.streams.insert(name.clone(), about);
            if name == HEARTBEATS {
                all.read_subjects(&context, &name).await?;
            } else if info.state.messages > 0 {
                let reading = all.read_messages(&context, &name);
                reading.await.with_context(|| format!("reading {name}"))?;
            }
        }
        Ok(all)
    }

    async fn read_subjects(
        &mut self,
        context: &jetstream::Context,
        name: &str,
    ) -> anyhow::Result<()> {
        let stream = context.get_stream(name).await?;
        let mut subjects = stream.info_with_subjects(">").await?;
        while let Some((subject, _)) = subjects.try_next().await? {
            let last = Last {
                sequence: 0,
                digest: [0; 32],
            };
            self.messages.insert((name.to_owned(), subject), last);
        }
        Ok(())
    }

    async fn read_messages(
        &mut self,
        context: &jetstream::Context,
        name: &str,
    ) -> anyhow::Result<()> {
        let stream = context.get_stream(name).await?;
        let consumer = stream.create_consumer(OrderedConfig::default()).await?;
        let mut messages = consumer.messages().await?;
        loop {
            let next = timeout(LIMIT, messages.next()).await?;
            let message = next.context("the consumer ended")??;
            let info = message.info().map_err(|error| anyhow::anyhow!("{error}"))?;
            let mut hasher = Sha256::new();
            hasher.update(&message.payload);
            if let Some(headers) = &message.headers {
                for name in ["KV-Operation", "Nats-TTL"] {
                    let value = headers.get(name).map(ToString::to_string);
                    hasher.update(format!("{value:?}"));
                }
            }
            let last = Last {
                sequence: info.stream_sequence,
                digest: hasher.finalize().into(),
            };
            let key = (name.to_owned(), message.subject.to_string());
            self.messages.insert(key, last);
            if info.pending == 0 {
                return Ok(());
            }
        }
    }

    /// The first subject of a stream that begins like this.
    pub(super) fn subject(&self, stream: &str, prefix: &str) -> anyhow::Result<(String, u64)> {
        let mut all = self.messages.iter();
        let found = all.find(|((of, subject), _)| of == stream && subject.starts_with(prefix));
        let ((_, subject), last) = found.with_context(|| format!("{prefix} in {stream}"))?;
        Ok((subject.clone(), last.sequence))
    }

    /// What differs later. A stream that was made, deleted, made anew or configured anew is an error.
    pub(super) fn changes(&self, later: &Self) -> anyhow::Result<Vec<Change>> {
        for (name, about) in &self.streams {
            ensure!(later.streams.get(name) == Some(about), "{name} is another");
        }
        let mut now = later.streams.keys();
        let made = now.find(|name| !self.streams.contains_key(*name));
        ensure!(made.is_none(), "{made:?} was made");
        let mut changes = Vec::new();
        let mut note = |(stream, subject): &(String, String), how| {
            changes.push(Change {
                stream: stream.clone(),
                subject: subject.clone(),
                how,
            });
        };
        for (key, last) in &self.messages {
            match later.messages.get(key) {
                None => note(key, Difference::Removed),
                Some(now) if now != last => note(key, Difference::Changed),
                Some(_) => {}
            }
        }
        for key in later.messages.keys() {
            if !self.messages.contains_key(key) {
                note(key, Difference::Added);
            }
        }
        Ok(changes)
    }
}
