//! The stream of all builds: records and phases, the same for every client.

use futures::future::try_join_all;
use wombat_model::{
    Status,
    log::{LogEvent, Phase},
};
use wombat_store::{Claim, Store};
use wombat_testkit::{NatsServer, a_spec, wait_until};

use crate::{
    event_stream::{EventStream, Received},
    support::{Api, PATIENCE, building, fail, line, say},
};

const ALL: &str = "/api/events";

fn phase(phase: Phase) -> LogEvent {
    LogEvent::Phase {
        phase,
        progress: None,
    }
}

/// Three phases, lines in between, and an end that is a failure.
async fn fails(store: &Store, package: &str) -> anyhow::Result<()> {
    let claim = building(store, &a_spec().package(package).build(), false).await?;
    say(store, &claim, 1, phase(Phase::Resolve)).await?;
    say(store, &claim, 2, line("not in this stream")).await?;
    say(store, &claim, 3, phase(Phase::Compile)).await?;
    end(store, claim, 4).await
}

async fn end(store: &Store, claim: Claim, n: u64) -> anyhow::Result<()> {
    let status = Status::Failed;
    say(store, &claim, n, LogEvent::End { status }).await?;
    fail(store, claim).await
}

/// Everything up to the failure of so many builds, and the end of their logs.
async fn until_failed(stream: &mut EventStream, builds: usize) -> anyhow::Result<Vec<Received>> {
    let (mut seen, mut missing) = (Vec::new(), 2 * builds);
    while missing > 0 {
        let event = stream.next().await?.expect("it goes on");
        let json = event.json();
        missing -= usize::from(json["status"] == "failed" && json.get("revision").is_some());
        missing -= usize::from(json["event"] == "end");
        seen.push(event);
    }
    Ok(seen)
}

/// Build and number of each phase, in the order of their coming.
fn phases(events: &[Received]) -> Vec<(String, u64)> {
    let phases = events.iter().filter(|event| event.event == "phase");
    phases
        .map(|event| {
            let json = event.json();
            let id = json["id"].as_str().unwrap_or_default().to_owned();
            (id, json["n"].as_u64().unwrap_or_default())
        })
        .collect()
}

fn revisions(events: &[Received]) -> Vec<u64> {
    let builds = events.iter().filter(|event| event.event == "build");
    builds
        .map(|event| event.json()["revision"].as_u64().unwrap_or_default())
        .collect()
}

fn ids(packages: &[&str], numbers: &[u64]) -> Vec<(String, u64)> {
    let keys = packages.iter().map(|name| a_spec().package(name).build());
    keys.flat_map(|spec| numbers.iter().map(move |n| (spec.key().to_string(), *n)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_every_phase_once_and_in_order() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let open = (0..100).map(async |_| EventStream::open(&api, ALL, None).await);
    let mut streams = try_join_all(open).await?;
    for stream in &mut streams {
        // The first id says that it has begun.
        stream.until_id(PATIENCE).await?;
    }
    let packages = ["aws", "kafka", "sql"];
    for package in packages {
        fails(&store, package).await?;
    }
    let all = streams
        .iter_mut()
        .map(async |stream| until_failed(stream, packages.len()).await);
    let all = try_join_all(all).await?;
    for seen in &all {
        assert_eq!(phases(seen), ids(&packages, &[1, 3, 4]));
        let revisions = revisions(seen);
        assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
        assert_eq!(seen, &all[0], "the same events, ids included");
    }
    Ok(())
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_and_nothing_twice() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let apis = [Api::start(&server).await?, Api::start(&server).await?];
    let mut whole = EventStream::open(&apis[0], ALL, None).await?;
    let mut stream = EventStream::open(&apis[0], ALL, None).await?;
    whole.until_id(PATIENCE).await?;
    stream.until_id(PATIENCE).await?;
    fails(&store, "aws").await?;
    let expected = until_failed(&mut whole, 1).await?;
    // Cut after every event in turn.
    let mut seen = Vec::new();
    while seen.len() < expected.len() {
        let event = stream.next().await?.expect("it goes on");
        seen.push(event.clone());
        stream = EventStream::open(&apis[0], ALL, Some(&event.id)).await?;
    }
    assert_eq!(phases(&seen), phases(&expected));
    assert_eq!(revisions(&seen), revisions(&expected));

    // At another gateway, it goes on with what happens from then on.
    let last = &expected.last().expect("events").id;
    let mut elsewhere = EventStream::open(&apis[1], ALL, Some(last)).await?;
    elsewhere.until_id(PATIENCE).await?;
    fails(&store, "kafka").await?;
    let seen = until_failed(&mut elsewhere, 1).await?;
    assert_eq!(phases(&seen), ids(&["kafka"], &[1, 3, 4]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_goes_on_through_a_restart_of_nats() -> anyhow::Result<()> {
    let mut server = NatsServer::alone()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let mut stream = EventStream::open(&api, ALL, None).await?;
    stream.until_id(PATIENCE).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    say(&store, &claim, 1, phase(Phase::Resolve)).await?;
    server.restart()?;
    wait_until("the log takes entries again", PATIENCE, async || {
        Ok(say(&store, &claim, 2, phase(Phase::Compile)).await.ok())
    })
    .await?;
    end(&store, claim, 3).await?;
    let seen = until_failed(&mut stream, 1).await?;
    let numbers: Vec<u64> = phases(&seen).into_iter().map(|(_, n)| n).collect();
    assert_eq!(numbers, [1, 2, 3]);
    Ok(())
}
