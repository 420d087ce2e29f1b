//! A linker that makes another binary than was requested: what users and operators see.

use std::time::Duration;

use reqwest::StatusCode;
use wombat_testkit::{Alteration, Stack, a_request, artifact_path, wait_until};

use crate::program;

const SOON: Duration = Duration::from_mins(1);
const CONNECT: &str = "github.com/redpanda-data/connect/v4";

#[tokio::test(flavor = "multi_thread")]
async fn another_binary_is_not_offered_and_the_operator_is_alarmed() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let builder = stack.builder(&[])?;
    let fork = Alteration::Replacement(CONNECT, "evil.example/fork", "v1.0.0");
    stack.go.alters(fork)?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    let view = stack.site.until(&id, "failed", SOON).await?;
    assert_eq!(view["failure"]["class"], "internal", "{view}");
    let message = view["error"].as_str().unwrap_or_default();
    let words = "The linked binary isn't what was requested: it contains evil.example/fork v1.0.0";
    assert!(message.starts_with(words), "{view}");
    let download = stack.site.get(&artifact_path(&id)).await?;
    assert_ne!(download.status(), StatusCode::OK);

    let log = builder.log_text();
    let alarm = log.lines().find(|line| line.contains("ERROR"));
    let alarm = alarm.unwrap_or_else(|| panic!("{log}"));
    let words = "the linked binary isn't what was requested; it isn't used";
    assert!(
        alarm.contains(words) && alarm.contains(&id) && alarm.contains("evil.example/fork"),
        "{alarm}"
    );

    let health = wait_until("the alarm in the health", SOON, async || {
        let health = stack.site.json("/api/health").await?;
        let words = "In 1 build, the linked binary wasn't what was requested";
        Ok(health.to_string().contains(words).then_some(health))
    })
    .await?;
    assert!(health.to_string().contains(&id), "{health}");

    stack.go.alters_nothing();
    let id = stack.site.asked(&a_request(&["mqtt"])).await?;
    stack.site.until(&id, "success", SOON).await?;
    Ok(())
}
