//! Bytes that no client would send, to every subject that has a subscriber.

use std::time::Duration;

use anyhow::{Context, ensure};
use async_nats::{HeaderMap, Request};
use bytes::Bytes;
use fastrand::Rng;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use wombat_store::roles::NatsRole;
use wombat_testkit::{Stack, a_request, wait_until};

use super::{ID, randomness};
use crate::{nats_cli::Nats, program};

/// Messages per subject.
const MESSAGES: usize = 10_000;
/// Requests in flight.
const AT_ONCE: usize = 64;
/// Longer than the service's own limit for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Endpoints, and a valid request for each.
fn endpoints() -> Vec<(&'static str, Value)> {
    let request = a_request(&["nats"]);
    vec![
        ("build.request", request.clone()),
        ("build.force", request.clone()),
        ("build.resolve", request.clone()),
        ("build.ahead", request),
        (
            "build.list",
            json!({"query": "goos:linux -status:failed", "limit": 5, "facets": true}),
        ),
        ("build.get", json!({"id": ID})),
        ("build.cancel", json!({"id": ID})),
        ("build.purge", json!({"id": ID})),
        ("build.log", json!({"id": ID, "after": 3})),
        ("build.builders", json!({})),
        ("build.stats", json!({"minutes": 60})),
        ("build.health", json!({})),
        ("catalog.search", json!({"query": "kafka", "kind": "input"})),
        ("catalog.components", json!({"query": "kafka", "limit": 3})),
        ("catalog.component", json!({"name": "kafka"})),
        (
            "catalog.select",
            json!({"pipeline": "input:\n  nats: {urls: [a], subject: b}\npipeline:\n  processors:\n    - mapping: root = this.uppercase()\n"}),
        ),
        (
            "catalog.import",
            json!({"module": "example.com/a/b", "version": "v1.2.3", "goVersions": ["1.26.8"]}),
        ),
        ("catalog.imports", json!({})),
        ("catalog.goreleases", json!({})),
        ("catalog.blocklist", json!({})),
        (
            "catalog.block",
            json!({"modules": [{"glob": "example.com/*", "reason": "r"}]}),
        ),
    ]
}

/// A message that is wrong in one of several ways, and sometimes right.
fn message(random: &mut Rng, model: &[u8]) -> Bytes {
    match random.u8(..100) {
        0..25 => (0..random.usize(..200)).map(|_| random.u8(..)).collect(),
        25..65 => {
            let mut bytes = model.to_vec();
            for _ in 0..random.usize(1..8) {
                spoil(random, &mut bytes);
            }
            bytes.into()
        }
        65..90 => any_json(random, 0).to_string().into(),
        90..95 => "[".repeat(random.usize(1..60_000)).into(),
        95..97 => vec![b' '; random.usize(60_000..200_000)].into(),
        _ => model.to_vec().into(),
    }
}

fn spoil(random: &mut Rng, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let place = random.usize(..bytes.len());
    match random.u8(..5) {
        0 => bytes[place] = random.u8(..),
        1 => bytes.insert(place, random.u8(..)),
        2 => drop(bytes.remove(place)),
        3 => bytes.truncate(place),
        _ => {
            let end = random.usize(place..bytes.len());
            let piece = bytes[place..end].to_vec();
            bytes.splice(place..place, piece);
        }
    }
}

/// Words with a meaning in some format.
const WORDS: [&str; 20] = [
    "goos",
    "goarch",
    "packages",
    "modules",
    "id",
    "query",
    "limit",
    "name",
    "linux",
    "amd64",
    "v4.105.0",
    "",
    "\0",
    "\u{202e}",
    "status:",
    "(((",
    "*",
    "../..",
    ID,
    "9999999999999999999999",
];

pub(super) fn any_json(random: &mut Rng, depth: usize) -> Value {
    let word = |random: &mut Rng| (*random.choice(&WORDS).unwrap_or(&"")).to_owned();
    match random.u8(..if depth > 3 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => json!(random.bool()),
        2 => json!(random.i64(..)),
        3 => json!(random.f64() * 1e300),
        4 => word(random).into(),
        5 => (0..random.usize(..5))
            .map(|_| any_json(random, depth + 1))
            .collect(),
        _ => Value::Object(
            (0..random.usize(..6))
                .map(|_| (word(random), any_json(random, depth + 1)))
                .collect(),
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subject_takes_ten_thousand_messages_of_nonsense() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let client = stack.nats.connection().await?.client().clone();
    let mut random = randomness();
    for (subject, model) in endpoints() {
        let model = model.to_string().into_bytes();
        let messages: Vec<(Bytes, u32)> = (0..MESSAGES)
            .map(|_| (message(&mut random, &model), random.u32(..)))
            .collect();
        let ask = async |(message, headers): (Bytes, u32)| -> anyhow::Result<()> {
            let mut request = Request::new().payload(message).timeout(Some(PATIENCE));
            if headers % 4 == 0 {
                let mut map = HeaderMap::new();
                map.insert("Wombat-Client", format!("{headers:x}:{headers}").as_str());
                map.insert("Nats-Expected-Last-Sequence", "1");
                request = request.headers(map);
            }
            let reply = client.send_request(subject, request).await;
            let reply = reply.with_context(|| format!("{subject} doesn't answer"))?;
            let code = reply.headers.as_ref().and_then(|headers| {
                let code = headers.get("Nats-Service-Error-Code")?;
                code.as_str().parse::<u16>().ok()
            });
            let body: Value = serde_json::from_slice(&reply.payload)?;
            let is_full = body["error"]["problems"][0]["code"] == "too_busy";
            ensure!(
                code.is_none_or(|code| code < 500) || is_full,
                "{subject}: {body}"
            );
            Ok(())
        };
        stream::iter(messages)
            .map(ask)
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
    }
    for verb in ["PING", "INFO", "STATS"] {
        for service in ["", ".build", ".catalog", ".nobody", ".build.nobody"] {
            for n in 0..MESSAGES / 10 {
                let nonsense = message(&mut random, b"{}");
                let subject = format!("$SRV.{verb}{service}");
                client
                    .publish_with_reply(
                        subject,
                        format!("nobody.listens.{verb}{service}.{n}"),
                        nonsense,
                    )
                    .await?;
                // A late answer may not be sent at all, so earlier messages must be through before more are sent.
                if n % AT_ONCE == 0 {
                    for service in ["build", "catalog"] {
                        let question = Request::new().timeout(Some(PATIENCE));
                        client
                            .send_request(format!("$SRV.{verb}.{service}"), question)
                            .await?;
                    }
                }
            }
        }
    }

    // A panic appears in the log.
    stack.logs_have_no_panic()?;
    // `nats` waits for a moment only, and messages before its request take longer.
    let nats = Nats::at(&stack.nats.url())?;
    wait_until("both services to answer", PATIENCE, async || {
        let answer = nats.run(&["micro", "ping"])?;
        Ok((answer.contains("build") && answer.contains("catalog")).then_some(()))
    })
    .await?;
    for service in ["build", "catalog"] {
        let question = Request::new().timeout(Some(PATIENCE));
        let stats = client
            .send_request(format!("$SRV.STATS.{service}"), question)
            .await?;
        let stats: Value = serde_json::from_slice(&stats.payload)?;
        for endpoint in stats["endpoints"].as_array().context("endpoints")? {
            let counted = endpoint["num_requests"].as_u64().context("a number")?;
            ensure!(counted >= MESSAGES as u64, "{endpoint}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn builders_take_nonsense_and_go_on_building() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let builder = stack.builder(&[])?;
    stack.site.until_builders(1).await?;
    let mut random = randomness();
    let lint = format!(
        "builder.lint.{}",
        wombat_model::this_machine().replace('/', ".")
    );
    let order = json!({"client": "1.2.3.4", "builder": "nobody", "build": a_request(&["nats"])});
    let question = json!({
        "artifact": format!("{ID}/claim"), "sha256": "0".repeat(64), "pipeline": "input: {}"
    });
    for (role, subject, model) in [
        (NatsRole::Service, "builder.ahead", order),
        (NatsRole::Api, lint.as_str(), question),
    ] {
        let client = stack.nats.connection_as(role).await?.client().clone();
        let model = model.to_string().into_bytes();
        for n in 0..MESSAGES {
            let nonsense = message(&mut random, &model);
            let reply = format!("_INBOX_api.nobody.{n}");
            client
                .publish_with_reply(subject.to_owned(), reply, nonsense)
                .await?;
        }
        client.flush().await?;
    }
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    stack.site.until(&id, "success", PATIENCE).await?;
    stack.logs_have_no_panic()?;
    let log = builder.log_text();
    let panic = log.lines().find(|line| line.contains("panicked at"));
    ensure!(panic.is_none(), "{panic:?}");
    Ok(())
}
