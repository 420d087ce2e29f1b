//! Builders that start late, die or are stopped; builds that are cancelled; a nats-server that goes away.

use std::time::{Duration, Instant};

use crate::program;
use nix::sys::signal::Signal;
use tempfile::TempDir;
use wombat_testkit::wait_until;

use wombat_testkit::{NatsServer, Stack, a_distinct_request, a_request};

const SOON: Duration = Duration::from_secs(30);
/// What `go build -json` says of a package that doesn't compile.
const COMPILE_ERROR: &str = r#"{"ImportPath":"stub.example/below","Action":"build-output","Output":"below.go:3:1: undefined: x\n"}
{"ImportPath":"stub.example/below","Action":"build-fail"}
"#;

#[tokio::test]
async fn what_was_asked_for_while_nobody_built_is_built_when_a_builder_comes() -> anyhow::Result<()>
{
    let stack = Stack::start(&program()).await?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    let view = stack.site.json(&format!("/api/builds/{id}")).await?;
    assert_eq!(view["status"], "new");
    assert_eq!(view["queue"]["builders"], 0);
    assert_eq!(view["queue"]["position"], 1);

    let _builder = stack.builder(&[])?;
    stack.site.until(&id, "success", SOON).await?;
    Ok(())
}

#[tokio::test]
async fn the_build_of_a_killed_builder_is_taken_over_and_nothing_of_it_is_left()
-> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    stack.go.takes_seconds(3600.0)?;
    let mut doomed = stack.builder(&["--lease", "2s"])?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    stack.go.until_compiling().await?;

    let _other = stack.builder(&["--lease", "2s"])?;
    stack.site.until_builders(2).await?;
    stack.go.takes_seconds(0.0)?;
    let killed = Instant::now();
    doomed.kill()?;
    wait_until(
        "its children to be gone",
        Duration::from_secs(5),
        async || Ok(stack.go.running().is_empty().then_some(())),
    )
    .await?;
    let view = stack.site.until(&id, "success", SOON).await?;
    let taken = killed.elapsed();
    assert!(
        taken < Duration::from_secs(2 * 2 + 1 + 2),
        "{taken:?} until another had built it"
    );
    assert_eq!(view["attempt"], 2);
    println!("killed builder: another one had the build done after {taken:?}");
    Ok(())
}

#[tokio::test]
async fn a_builder_that_comes_back_gives_up_the_claims_of_its_dead_self_at_once()
-> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let state = TempDir::with_prefix("wombat-state-")?;
    stack.go.takes_seconds(3600.0)?;
    // A lease so long that only the state folder can tell that the process is gone.
    let mut first = stack.builder_in(state.path(), &["--lease", "600s"])?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    stack.site.until(&id, "building", SOON).await?;
    stack.go.until_compiling().await?;
    first.kill()?;
    stack.go.takes_seconds(0.0)?;

    let _second = stack.builder_in(state.path(), &["--lease", "600s"])?;
    stack.site.until(&id, "success", SOON).await?;
    Ok(())
}

#[tokio::test]
async fn sigterm_gives_back_what_cant_be_finished_in_time() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    stack.go.takes_seconds(3600.0)?;
    let mut builder = stack.builder(&["--grace", "0s"])?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    stack.go.until_compiling().await?;

    builder.signal(Signal::SIGTERM)?;
    let asked = Instant::now();
    let view = stack.site.until(&id, "new", Duration::from_secs(5)).await?;
    println!("SIGTERM: back to new after {:?}", asked.elapsed());
    assert_eq!(view["attempt"], 0, "giving back doesn't count");
    assert!(builder.ended(SOON)?.success());
    assert!(stack.go.running().is_empty());
    Ok(())
}

#[tokio::test]
async fn sigterm_lets_a_build_finish_within_the_grace_and_a_second_one_doesnt() -> anyhow::Result<()>
{
    let stack = Stack::start(&program()).await?;
    stack.go.takes_seconds(2.0)?;
    let mut builder = stack.builder(&["--grace", "60s"])?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    stack.go.until_compiling().await?;
    builder.signal(Signal::SIGTERM)?;
    assert!(builder.ended(SOON)?.success());
    stack.site.until(&id, "success", SOON).await?;

    stack.go.takes_seconds(3600.0)?;
    let mut builder = stack.builder(&["--grace", "600s"])?;
    let id = stack.site.asked(&a_request(&["redis"])).await?;
    stack.go.until_compiling().await?;
    builder.signal(Signal::SIGTERM)?;
    wait_until("the builder to have heard it", SOON, async || {
        Ok(builder
            .log_text()
            .contains("a second signal stops at once")
            .then_some(()))
    })
    .await?;
    builder.signal(Signal::SIGTERM)?;
    assert!(builder.ended(SOON)?.success());
    stack.site.until(&id, "new", SOON).await?;
    Ok(())
}

#[tokio::test]
async fn a_cancelled_build_ends_within_a_second_with_all_its_processes() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    stack.go.takes_seconds(3600.0)?;
    let _builder = stack.builder(&[])?;
    let id = stack.site.asked(&a_request(&["nats"])).await?;
    stack.go.until_compiling().await?;

    let asked = Instant::now();
    let connection = stack.nats.connection().await?;
    let question = serde_json::json!({"id": id}).to_string();
    let reply = connection
        .client()
        .request("build.cancel", question.into())
        .await?;
    let view: serde_json::Value = serde_json::from_slice(&reply.payload)?;
    assert_eq!(view["status"], "cancelled", "{view}");
    wait_until(
        "its processes to be gone",
        Duration::from_secs(5),
        async || Ok(stack.go.running().is_empty().then_some(())),
    )
    .await?;
    let taken = asked.elapsed();
    println!("cancelled, and its processes gone, after {taken:?}");
    assert!(taken < Duration::from_secs(1), "{taken:?}");
    Ok(())
}

#[tokio::test]
async fn a_killed_nats_server_comes_back_and_nothing_that_was_promised_is_lost()
-> anyhow::Result<()> {
    let nats = NatsServer::alone()?;
    let mut stack = Stack::around_with(&program(), nats, &[], &[]).await?;
    stack.go.takes_seconds(0.3)?;
    let _builder = stack.builder(&["--workers", "2"])?;
    stack.site.until_builders(1).await?;
    let mut promised = Vec::new();
    for n in 0..10 {
        promised.push(stack.site.asked(&a_distinct_request(n)).await?);
    }
    stack.nats.kill()?;
    let refused = Instant::now();
    let (status, problem) = stack.site.ask(&a_distinct_request(50)).await?;
    assert_eq!(status, 503, "{problem}");
    assert!(
        refused.elapsed() < Duration::from_secs(2),
        "{:?}",
        refused.elapsed()
    );

    stack.nats.restart()?;
    let back = Instant::now();
    let site = stack.site.clone();
    let more = wait_until(
        "requests to be taken again",
        Duration::from_secs(10),
        async || {
            let (status, view) = site.ask(&a_distinct_request(51)).await?;
            Ok(status
                .is_success()
                .then(|| view["id"].as_str().unwrap_or_default().to_owned()))
        },
    )
    .await?;
    println!(
        "requests are taken again {:?} after the restart",
        back.elapsed()
    );
    promised.push(more);
    for id in &promised {
        stack
            .site
            .until(id, "success", Duration::from_mins(1))
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_failure_is_told_when_it_can_be_asked_for_again() -> anyhow::Result<()>
{
    let stack = Stack::start(&program()).await?;
    stack.go.fails(COMPILE_ERROR, "")?;
    let _builder = stack.builder(&[])?;
    let (site, body) = (&stack.site, a_request(&["nats"]));
    let asked = site.client.post(format!("{}/api/builds?wait=60", site.url));
    let answer = asked.body(body.to_string()).send().await?.text().await?;
    let view: serde_json::Value = serde_json::from_str(&answer)?;
    assert_eq!(view["failure"]["class"], "compile", "{view}");
    assert!(view["retryAt"].is_string(), "{view}");
    Ok(())
}
