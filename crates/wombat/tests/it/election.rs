//! Roles wait for a cluster that is still electing; permanent problems are reported at once.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use wombat_testkit::{NatsServer, Site, UnformedCluster};

use crate::program;

/// Less than the time for which roles wait for a cluster.
const AT_ONCE: Duration = Duration::from_secs(10);

fn set_up(url: &str, more: &[&str]) -> anyhow::Result<Output> {
    let words = ["setup", "--nats-url", url];
    Ok(program().command().args(words).args(more).output()?)
}

#[tokio::test]
async fn setup_and_every_role_wait_for_a_cluster_that_was_just_started() -> anyhow::Result<()> {
    let cluster = UnformedCluster::starting()?;
    let [url, ..] = cluster.urls();
    let address = url.trim_start_matches("nats://").to_owned();
    wombat_testkit::wait_until("a server to listen", AT_ONCE, async || {
        Ok(tokio::net::TcpStream::connect(&address).await.ok())
    })
    .await?;
    let made = set_up(url, &["--replicas", "3", "--wait", "60s"])?;
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    println!("{said}");

    // Each role starts while other streams still elect.
    let _service = program().start(&["service", "--nats-url", url])?;
    let api = program().start(&["api", "--nats-url", url, "--http", "127.0.0.1:0"])?;
    Site::new(api.first_line()?).until_ready().await
}

#[test]
fn what_no_waiting_mends_is_told_at_once() -> anyhow::Result<()> {
    let nats = NatsServer::alone()?;
    let asked = Instant::now();
    let refused = set_up(&nats.url(), &["--replicas", "3"])?;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("needs a cluster").count(), 1, "{said}");

    for role in ["service", "builder", "api"] {
        let mut process = program().start(&[role, "--nats-url", &nats.url()])?;
        let status = process.ended(AT_ONCE)?;
        assert_eq!(status.code(), Some(1), "{role}");
        let said = process.log_text();
        assert!(said.contains("`wombat setup` creates it"), "{role}: {said}");
    }
    assert!(asked.elapsed() < AT_ONCE * 3, "{:?}", asked.elapsed());
    Ok(())
}
