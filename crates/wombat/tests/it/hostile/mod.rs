//! Whatever strangers send, over REST and over NATS: it is refused in words, nothing is written, nothing falls over.

mod injections;
mod messages;
mod queries;
mod schemas;

use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::Value;
use wombat_testkit::Stack;

/// The same sequence each time, so that what was found is found again.
fn randomness() -> Rng {
    Rng::with_seed(20_261_127)
}

/// As a part of a URL.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        // Writing to a string can't fail.
        let _infallible = write!(escaped, "%{byte:02X}");
        escaped
    })
}

/// The JSON Schema that a micro service publishes under `request-schema` or `response-schema`.
async fn published(stack: &Stack, subject: &str, which: &str) -> anyhow::Result<Value> {
    let client = async_nats::connect(stack.nats.url()).await?;
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
