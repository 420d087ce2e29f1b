//! Arbitrary input from strangers, over REST and over NATS: it is refused with a clear message, nothing is written,
//! nothing crashes.

mod injections;
mod messages;
mod queries;
mod schemas;

use fastrand::Rng;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use wombat_testkit::Stack;

/// The same sequence each time, so that failures can be reproduced.
fn randomness() -> Rng {
    Rng::with_seed(20_261_127)
}

/// The id of a build that doesn't exist.
const ID: &str =
    "build.linux.amd64.1_26_8.a76d2a6549fc2da33fb179084db6f97777b82e1aa2cadad0bd14555d83427efb";

/// Escaped as a part of a URL.
fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The JSON Schema that a micro service publishes under `request-schema` or `response-schema`.
async fn published(stack: &Stack, subject: &str, which: &str) -> anyhow::Result<Value> {
    let client = stack.nats.connection().await?.client().clone();
    let service = subject.split('.').next().unwrap_or(subject);
    let info = client
        .request(format!("$SRV.INFO.{service}"), "".into())
        .await?;
    let info: Value = serde_json::from_slice(&info.payload)?;
    let endpoints = info["endpoints"].as_array().expect("endpoints");
    let endpoint = endpoints.iter().find(|it| it["subject"] == subject);
    let schema = endpoint.expect("the endpoint")["metadata"][which].as_str();
    Ok(serde_json::from_str(schema.expect("a schema"))?)
}
