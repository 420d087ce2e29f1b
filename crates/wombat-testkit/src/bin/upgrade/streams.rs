//! Every message of a stream, read with the admin's key.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wombat_store::Connection;

use crate::snapshot::digest;

/// Streams whose messages an upgrade doesn't touch.
pub(crate) const UNTOUCHED: [&str; 4] = ["KV_builds", "KV_catalog", "KV_gocache", "BUILD_LOGS"];
/// Streams whose objects are moved.
pub(crate) const MOVED: [&str; 2] = ["OBJ_artifacts", "OBJ_catalog-docs"];

/// Sequence → subject, and the digest of headers and payload.
pub(crate) type Messages = BTreeMap<u64, (String, String)>;

/// A store's contents: messages of the streams that stay, objects of those that are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) messages: BTreeMap<&'static str, Messages>,
    /// Object → its digest, or what it links to.
    pub(crate) objects: BTreeMap<&'static str, BTreeMap<String, String>>,
}

async fn ask(connection: &Connection, subject: String, body: &Value) -> anyhow::Result<Value> {
    let client = connection.client();
    let answer = client.request(subject, body.to_string().into()).await?;
    Ok(serde_json::from_slice(&answer.payload)?)
}

/// Hands every message of a stream to `see`: sequence, subject, encoded headers and payload.
async fn each(
    connection: &Connection,
    stream: &str,
    mut see: impl FnMut(u64, &str, &Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut next = 1_u64;
    loop {
        let subject = format!("$JS.API.STREAM.MSG.GET.{stream}");
        let body = json!({"seq": next, "next_by_subj": ">"});
        let answer = ask(connection, subject, &body).await?;
        if answer["error"]["code"] == 404 {
            return Ok(());
        }
        let message = &answer["message"];
        let sequence = message["seq"].as_u64();
        let sequence = sequence.with_context(|| format!("{stream}: {answer}"))?;
        see(
            sequence,
            message["subject"].as_str().unwrap_or_default(),
            message,
        )?;
        next = sequence + 1;
    }
}

async fn messages(connection: &Connection, stream: &str) -> anyhow::Result<Messages> {
    let mut all = Messages::new();
    each(connection, stream, |sequence, subject, message| {
        let content = format!("{}{}", message["hdrs"], message["data"]);
        all.insert(sequence, (subject.to_owned(), digest(content.as_bytes())));
        Ok(())
    })
    .await?;
    Ok(all)
}

async fn objects(
    connection: &Connection,
    stream: &str,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    each(connection, stream, |_, subject, message| {
        if !subject.contains(".M.") {
            return Ok(());
        }
        let entry = STANDARD.decode(message["data"].as_str().unwrap_or_default())?;
        let entry: Value = serde_json::from_slice(&entry)?;
        let name = entry["name"].as_str().context("a name")?.to_owned();
        if entry["deleted"] == true {
            return Ok(());
        }
        let link = &entry["options"]["link"]["name"];
        let content = match link.as_str() {
            Some(target) => format!("link to {target}"),
            None => format!("{} bytes, {}", entry["size"], entry["digest"]),
        };
        all.insert(name, content);
        Ok(())
    })
    .await?;
    Ok(all)
}

impl Contents {
    pub(crate) async fn read(connection: &Connection) -> anyhow::Result<Self> {
        let mut contents = Self {
            messages: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        for stream in UNTOUCHED {
            let found = messages(connection, stream).await?;
            contents.messages.insert(stream, found);
        }
        for stream in MOVED {
            let found = objects(connection, stream).await?;
            contents.objects.insert(stream, found);
        }
        Ok(contents)
    }

    /// What is missing, different or new in `other`.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut problems = Vec::new();
        for (stream, before) in &self.messages {
            compare(stream, before, &other.messages[stream], &mut problems);
        }
        for (stream, before) in &self.objects {
            compare(stream, before, &other.objects[stream], &mut problems);
        }
        problems
    }

    pub(crate) fn counts(&self) -> String {
        let messages = self
            .messages
            .iter()
            .map(|(name, all)| format!("{} in {name}", all.len()));
        let objects = self
            .objects
            .iter()
            .map(|(name, all)| format!("{} in {name}", all.len()));
        let messages: Vec<String> = messages.collect();
        let objects: Vec<String> = objects.collect();
        format!(
            "messages: {}; objects: {}",
            messages.join(", "),
            objects.join(", ")
        )
    }
}

fn compare<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    stream: &str,
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
    problems: &mut Vec<String>,
) {
    for (key, value) in before {
        match after.get(key) {
            Some(found) if found == value => {}
            found => problems.push(format!("{stream} {key:?}: {found:?} instead of {value:?}")),
        }
    }
    for key in after.keys().filter(|key| !before.contains_key(key)) {
        problems.push(format!("{stream} {key:?} is new: {:?}", after[key]));
    }
}

/// How each stream is set up, and what is in it.
pub(crate) async fn infos(connection: &Connection) -> anyhow::Result<BTreeMap<String, Value>> {
    let answer = ask(connection, "$JS.API.STREAM.LIST".to_owned(), &json!({})).await?;
    let streams = answer["streams"].as_array().context("streams")?;
    let infos = streams.iter().map(|info| {
        let name = info["config"]["name"].as_str().context("a name")?;
        let state = &info["state"];
        let counts = json!([state["messages"], state["bytes"], state["last_seq"]]);
        Ok((
            name.to_owned(),
            json!({"config": info["config"], "state": counts}),
        ))
    });
    let infos: BTreeMap<String, Value> = infos.collect::<anyhow::Result<_>>()?;
    ensure!(!infos.is_empty(), "no streams");
    Ok(infos)
}
