//! `/readyz`: lists, requests and downloads would be answered now.

use std::time::{Duration, Instant};

use anyhow::Context;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::StatusCode;
use wombat_testkit::{NatsServer, Site, a_request, freeze, wait_until};

use crate::program;

const SOON: Duration = Duration::from_secs(30);
/// 1.5 seconds, and a margin for a busy machine.
const BOUND: Duration = Duration::from_millis(2300);

async fn readiness(site: &Site) -> anyhow::Result<(StatusCode, String)> {
    let asked = Instant::now();
    let answer = site.get("/readyz").await?;
    let told = (answer.status(), answer.text().await?);
    assert!(asked.elapsed() < BOUND, "{:?}: {}", asked.elapsed(), told.1);
    Ok(told)
}

async fn until(site: &Site, status: StatusCode, words: &str) -> anyhow::Result<()> {
    wait_until(&format!("{status} {words}"), SOON, async || {
        let told = readiness(site).await?;
        Ok((told.0 == status && told.1.contains(words)).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_gateway_is_ready_while_lists_and_requests_are_answered() -> anyhow::Result<()> {
    let nats = NatsServer::alone()?;
    program().set_up(&nats, &[])?;
    let url = nats.url();
    let api = program().start(&["api", "--nats-url", &url, "--http", "127.0.0.1:0"])?;
    let site = Site::new(api.first_line()?);
    let away = StatusCode::SERVICE_UNAVAILABLE;
    until(&site, away, "no service is running").await?;

    let mut service = program().start(&["service", "--nats-url", &url])?;
    until(&site, StatusCode::OK, "ready").await?;
    let (status, view) = site.ask(&a_request(&["nats"])).await?;
    assert!(status.is_success(), "{view}");
    site.json("/api/builds").await?;

    service.kill()?;
    until(&site, away, "no service is running").await?;
    let _service = program().start(&["service", "--nats-url", &url])?;
    until(&site, StatusCode::OK, "ready").await?;

    let server = nats.id().context("it runs")?;
    freeze(server).await?;
    let (status, words) = readiness(&site).await?;
    assert_eq!(status, away, "{words}");
    assert!(words.contains("answer"), "{words}");
    kill(Pid::from_raw(i32::try_from(server)?), Signal::SIGCONT)?;
    until(&site, StatusCode::OK, "ready").await
}
