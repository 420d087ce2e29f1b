//! Bodies made from the published schemas, right and nearly right: answers match their schemas, and none is a 5xx.

use anyhow::{Context, ensure};
use fastrand::Rng;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use wombat_testkit::Stack;

use super::{messages::any_json, published, randomness};
use crate::{program, tokens::Tokens};

const BODIES: usize = 1_000;

/// Valid values for a field of this name, so that not all bodies are refused for the same reason.
fn familiar(name: &str) -> &'static [&'static str] {
    match name {
        "goos" => &["linux", "darwin", "windows", "plan9"],
        "goarch" => &["amd64", "arm64", "mips"],
        "goVersion" => &["1.26.8", "1.26", "2"],
        "components" => &["kafka", "input/nats", "natz", "nats"],
        "packages" => &[
            "github.com/redpanda-data/connect/v4/public/components/nats",
            "example.com/a",
        ],
        "base" => &["standard", "pure", "none"],
        "variant" => &["v3", "v7"],
        "glob" => &["example.com/*", "[", "**"],
        _ => &["", "a", "v1.2.3"],
    }
}

/// A value that fits the schema, as far as types are concerned.
fn fitting(random: &mut Rng, root: &Value, schema: &Value, name: &str) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        let target = root.pointer(pointer).cloned().unwrap_or_default();
        return fitting(random, root, &target, name);
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let picked = random.choice(choices).cloned().unwrap_or_default();
            return fitting(random, root, &picked, name);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return random.choice(values).cloned().unwrap_or_default();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => random.choice(kinds).cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("string") => (*random.choice(familiar(name)).unwrap_or(&"")).into(),
        Some("boolean") => random.bool().into(),
        Some("integer") => random.u16(..).into(),
        Some("number") => json!(random.f64()),
        Some("array") => (0..random.usize(..4))
            .map(|_| fitting(random, root, &schema["items"], name))
            .collect(),
        Some("object") => object(random, root, schema),
        _ => Value::Null,
    }
}

fn object(random: &mut Rng, root: &Value, schema: &Value) -> Value {
    let mut made = Map::new();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            if required.contains(&json!(name)) || random.bool() {
                made.insert(name.clone(), fitting(random, root, property, name));
            }
        }
    }
    if schema["additionalProperties"].is_object() && random.bool() {
        let value = fitting(random, root, &schema["additionalProperties"], "");
        made.insert("github.com/redpanda-data/connect/v4".to_owned(), value);
    }
    made.into()
}

/// Spoils a part of it.
fn spoilt(random: &mut Rng, mut body: Value) -> Value {
    let Some(fields) = body.as_object_mut() else {
        return any_json(random, 0);
    };
    let names: Vec<String> = fields.keys().cloned().collect();
    match (random.u8(..4), random.choice(&names)) {
        (0, Some(name)) => drop(fields.remove(name)),
        (1, Some(name)) => drop(fields.insert(name.clone(), any_json(random, 0))),
        (2, _) => drop(fields.insert("colour".to_owned(), any_json(random, 0))),
        _ => return any_json(random, 0),
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_from_the_schemas_are_answered_by_the_schemas() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let tokens = Tokens::new()?;
    let path = tokens.path()?;
    let (_api, site) = program()
        .gateway(&stack.nats.url(), &["--tokens", &path])
        .await?;
    let mut random = randomness();
    for (method, path, subject) in [
        (Method::POST, "/api/builds", "build.request"),
        (Method::POST, "/api/resolve", "build.resolve"),
        (Method::PUT, "/api/blocklist", "catalog.block"),
    ] {
        let schema = published(&stack, subject, "request-schema").await?;
        let answers = published(&stack, subject, "response-schema").await?;
        let (mut taken, mut refused) = (0, 0);
        for n in 0..BODIES {
            let mut body = fitting(&mut random, &schema, &schema, "");
            if n % 2 == 1 {
                body = spoilt(&mut random, body);
            }
            let url = format!("{}{path}", site.url);
            let call = site.client.request(method.clone(), url).json(&body);
            let answer = call.bearer_auth(tokens.of("admin")).send().await?;
            let status = answer.status();
            let text = answer.text().await?;
            let answered: Value =
                serde_json::from_str(&text).with_context(|| format!("{path}: {text}"))?;
            if status.is_success() {
                taken += 1;
                jsonschema::validate(&answers, &answered)
                    .map_err(|error| anyhow::anyhow!("{path}: {error}: {text}"))?;
            } else {
                refused += 1;
                let is_full =
                    status == StatusCode::SERVICE_UNAVAILABLE && text.contains("too_busy");
                ensure!(
                    status.is_client_error() || is_full,
                    "{path}: {status} {text} for {body}"
                );
                let problems = answered["problems"].as_array().context("problems")?;
                ensure!(!problems.is_empty(), "{path}: {text}");
            }
        }
        ensure!(
            taken > 0 && refused > 0,
            "{path}: {taken} taken, {refused} refused: too dull"
        );
    }
    stack.logs_have_no_panic()
}
