//! A nats-server with a clock of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde_json::{Value, json};
use wombat_testkit::{NatsServer, NatsServerConfig};

/// Stores a message, and returns the server's time of it, in seconds since 1970.
async fn stored_at(server: &NatsServer) -> anyhow::Result<i64> {
    let connection = server.connection().await?;
    let ask = async |subject: &str, question: Value| -> anyhow::Result<Value> {
        let answer = connection
            .client()
            .request(subject.to_owned(), question.to_string().into())
            .await?;
        Ok(serde_json::from_slice(&answer.payload)?)
    };
    ask(
        "$JS.API.STREAM.CREATE.T",
        json!({"name": "T", "subjects": ["t"], "retention": "limits", "storage": "file", "num_replicas": 1}),
    )
    .await?;
    ask("t", json!("a message")).await?;
    let answer = ask("$JS.API.STREAM.MSG.GET.T", json!({"last_by_subj": "t"})).await?;
    let time = answer["message"]["time"]
        .as_str()
        .with_context(|| answer.to_string())?;
    let time = time::OffsetDateTime::parse(time, &time::format_description::well_known::Rfc3339)?;
    Ok(time.unix_timestamp())
}

fn now() -> anyhow::Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(since.as_secs().try_into()?)
}

#[tokio::test]
async fn a_server_stamps_messages_by_the_clock_that_it_was_given() -> anyhow::Result<()> {
    for offset in [None, Some(7200), Some(-4500 * 24 * 3600)] {
        let server = NatsServer::with(&NatsServerConfig {
            clock_offset: offset,
            ..NatsServerConfig::default()
        })?;
        let before = now()?;
        let stored = stored_at(&server).await? - offset.unwrap_or_default();
        assert!(
            (before - 1..=now()? + 1).contains(&stored),
            "{offset:?}: stored at {stored}, asked at {before}"
        );
    }
    Ok(())
}
