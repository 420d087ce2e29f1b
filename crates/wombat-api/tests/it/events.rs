//! Streams of events: complete, in order, resumable anywhere.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use reqwest::StatusCode;
use serde_json::json;
use wombat_model::{Status, log::LogEvent};
use wombat_testkit::{NatsServer, a_spec, wait_until};

use crate::{
    event_stream::{EventStream, Received},
    support::{Api, PATIENCE, building, fail, finished, line, say, succeed, waiting},
};

fn log_numbers(events: &[Received]) -> Vec<u64> {
    events
        .iter()
        .filter(|event| event.event == "log")
        .map(|event| event.json()["n"].as_u64().expect("a number"))
        .collect()
}

/// A stream that is cut ten times and resumed at two gateways in turn, while the log is written, gives what an uncut one
/// gives.
#[tokio::test]
async fn a_stream_that_is_cut_and_resumed_elsewhere_is_as_if_it_were_not() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let mut apis = [Api::start(&server).await?, Api::start(&server).await?];
    let claim = building(&store, &a_spec().build(), false).await?;
    let path = format!("/api/builds/{}/events", claim.key());

    let mut whole = EventStream::open(&apis[0], &path, None).await?;
    let other = building(&store, &a_spec().package("aws").build(), false).await?;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 1..=200 {
                say(&store, &claim, n, line(&format!("line {n}"))).await?;
                say(&store, &other, n, line("of another build")).await?;
            }
            let status = Status::Success;
            say(&store, &claim, 201, LogEvent::End { status }).await?;
            succeed(&store, claim, b"binary").await
        })
    };
    let mut pieces = Vec::new();
    let mut after = None;
    for (round, count) in [3, 17, 1, 29, 8, 2, 21, 13, 5, 11].into_iter().enumerate() {
        if round == 5 {
            apis[1] = Api::start(&server).await?;
        }
        let mut stream = EventStream::open(&apis[round % 2], &path, after.as_deref()).await?;
        for _ in 0..count {
            pieces.push(stream.next().await?.unwrap());
        }
        after = Some(pieces.last().unwrap().id.clone());
    }
    let mut stream = EventStream::open(&apis[0], &path, after.as_deref()).await?;
    pieces.extend(stream.rest().await?);
    writer.await??;
    let whole = whole.rest().await?;

    let logs = |events: &[Received]| -> Vec<String> {
        let of_log = events.iter().filter(|event| event.event == "log");
        of_log.map(|event| event.data.clone()).collect()
    };
    assert_eq!(log_numbers(&whole), (1..=201).collect::<Vec<_>>());
    assert_eq!(logs(&pieces), logs(&whole));
    let revisions: Vec<u64> = pieces
        .iter()
        .filter(|event| event.event == "build")
        .map(|event| event.json()["revision"].as_u64().unwrap())
        .collect();
    assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
    for events in [&whole, &pieces] {
        assert_eq!(events.last().unwrap().event, "end");
        let record = events.iter().rfind(|event| event.event == "build").unwrap();
        assert_eq!(record.json()["status"], "success");
    }
    let past_end = pieces.last().unwrap().id.clone();
    for api in &apis {
        let answer = EventStream::ask(api, &path, Some(&past_end)).await?;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    Ok(())
}

#[tokio::test]
async fn an_id_that_means_nothing_here_gives_a_reset_and_everything_anew() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let key = finished(&store, &a_spec().build(), b"binary").await?;
    let path = format!("/api/builds/{key}/events");
    let epoch = store.logs.state().await?.epoch;
    for stale in ["1-2-3", "nonsense", &format!("{epoch}-99999-1")] {
        let all = EventStream::open(&api, &path, Some(stale))
            .await?
            .rest()
            .await?;
        let names: Vec<&str> = all.iter().map(|event| event.event.as_str()).collect();
        assert_eq!(names, ["reset", "build", "log", "log", "end"], "{stale}");
    }
    Ok(())
}

#[tokio::test]
async fn logs_that_are_made_anew_reset_whoever_looks() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    say(&store, &claim, 1, line("old")).await?;
    let mut stream = EventStream::open(&api, &path, None).await?;
    for expected in ["build", "log"] {
        assert_eq!(stream.next().await?.unwrap().event, expected);
    }
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    jetstream.delete_stream("BUILD_LOGS").await?;
    let (_connection, store) = server.store().await?;
    for n in 2..=3 {
        say(&store, &claim, n, line("new")).await?;
    }
    for expected in ["reset", "build", "log", "log"] {
        assert_eq!(stream.next().await?.unwrap().event, expected);
    }
    let status = Status::Failed;
    say(&store, &claim, 4, LogEvent::End { status }).await?;
    fail(&store, claim).await?;
    assert_eq!(log_numbers(&stream.rest().await?), [4]);
    let fresh = EventStream::open(&api, &path, None).await?.rest().await?;
    assert_eq!(log_numbers(&fresh), [2, 3, 4]);
    Ok(())
}

#[tokio::test]
async fn a_log_without_an_end_is_waited_for_two_seconds() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    let mut stream = EventStream::open(&api, &path, None).await?;
    say(&store, &claim, 1, line("the last that was heard")).await?;
    let gap = LogEvent::Gap {
        dropped: 4,
        bytes: Some(50),
    };
    say(&store, &claim, 2, gap).await?;
    let start = Instant::now();
    fail(&store, claim).await?;
    let events = stream.rest().await?;
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let gap = events.iter().find(|event| event.event == "gap").unwrap();
    assert_eq!(
        (&gap.json()["dropped"], &gap.json()["bytes"]),
        (&json!(4), &json!(50))
    );
    EventStream::is_over(&api, &path, &events).await?;
    Ok(())
}

/// A client that doesn't read delays no other, and gets everything when it reads again.
#[tokio::test]
async fn a_slow_client_misses_nothing_and_holds_nobody_up() -> anyhow::Result<()> {
    const LINES: u64 = 600;
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    let mut slow = EventStream::open(&api, &path, None).await?;
    let mut quick = EventStream::open(&api, &path, None).await?;
    slow.next().await?;
    // More than sockets and queues hold.
    let long = "x".repeat(20_000);
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 1..=LINES {
                say(&store, &claim, n, line(&long)).await?;
            }
            let status = Status::Failed;
            say(&store, &claim, LINES + 1, LogEvent::End { status }).await?;
            fail(&store, claim).await
        })
    };
    let expected: Vec<u64> = (1..=LINES + 1).collect();
    assert_eq!(log_numbers(&quick.rest().await?), expected);
    writer.await??;
    assert_eq!(log_numbers(&slow.rest().await?), expected);
    Ok(())
}

/// A stream of logs has room for only so many consumers.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_viewers_share_one_consumer() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    say(&store, &claim, 1, line("before they came")).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    let open = (0..100).map(async |_| {
        let mut stream = EventStream::open(&api, &path, None).await?;
        // The record and the first line.
        let seen = [stream.next().await?, stream.next().await?];
        anyhow::ensure!(seen.iter().all(Option::is_some), "it ended early");
        anyhow::Ok(stream)
    });
    let streams = try_join_all(open).await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    wait_until("one consumer is left", PATIENCE, async || {
        let stream = jetstream.get_stream("BUILD_LOGS").await?;
        Ok((stream.cached_info().state.consumer_count == 1).then_some(()))
    })
    .await?;
    say(&store, &claim, 2, line("while they look")).await?;
    let status = Status::Failed;
    say(&store, &claim, 3, LogEvent::End { status }).await?;
    fail(&store, claim).await?;
    let rest = streams
        .into_iter()
        .map(async |mut stream| stream.rest().await);
    for events in try_join_all(rest).await? {
        assert_eq!(log_numbers(&events), [2, 3]);
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_goes_on_through_a_restart_of_nats() -> anyhow::Result<()> {
    let mut server = NatsServer::alone()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    let mut stream = EventStream::open(&api, &path, None).await?;
    say(&store, &claim, 1, line("before")).await?;
    server.restart()?;
    // An entry that is appended twice is stored once.
    wait_until("the log takes entries again", PATIENCE, async || {
        Ok(say(&store, &claim, 2, line("after")).await.ok())
    })
    .await?;
    let status = Status::Failed;
    say(&store, &claim, 3, LogEvent::End { status }).await?;
    fail(&store, claim).await?;
    assert_eq!(log_numbers(&stream.rest().await?), [1, 2, 3]);
    Ok(())
}

#[tokio::test]
async fn the_stream_of_all_builds_tells_every_change_after_an_id() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let apis = [Api::start(&server).await?, Api::start(&server).await?];
    let key = waiting(&store, &a_spec().build()).await?;
    let revision = store.builds.get(&key).await?.unwrap().revision.get();
    wait_until("the record is seen", PATIENCE, async || {
        let mut stream = EventStream::open(&apis[0], "/api/events", None).await?;
        stream.is_quiet(Duration::from_millis(50)).await;
        Ok(stream
            .last_id
            .ends_with(&format!("-0-{revision}"))
            .then_some(()))
    })
    .await?;

    let mut stream = EventStream::open(&apis[0], "/api/events", None).await?;
    let specs = ["aws", "kafka", "sql"].map(|package| a_spec().package(package).build());
    waiting(&store, &specs[0]).await?;
    let first = stream.next().await?.unwrap();
    assert_eq!(
        (first.event.as_str(), &first.json()["id"]),
        ("build", &serde_json::json!(specs[0].key()))
    );
    drop(stream);
    for spec in &specs[1..] {
        waiting(&store, spec).await?;
    }
    let mut stream = EventStream::open(&apis[1], "/api/events", Some(&first.id)).await?;
    for spec in &specs[1..] {
        let event = stream.next().await?.unwrap();
        assert_eq!(event.json()["id"], serde_json::json!(spec.key()));
    }
    let mut stream = EventStream::open(&apis[1], "/api/events", Some("1-0-1")).await?;
    assert_eq!(stream.next().await?.unwrap().event, "reset");
    Ok(())
}

#[tokio::test]
async fn streams_end_when_the_gateway_does() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let mut api = Api::start(&server).await?;
    let key = waiting(&store, &a_spec().build()).await?;
    let mut stream = EventStream::open(&api, &format!("/api/builds/{key}/events"), None).await?;
    stream.next().await?;
    api.stop.cancel();
    assert_eq!(stream.next().await?, None);
    let start = Instant::now();
    api.task.take().unwrap().await??;
    assert!(start.elapsed() < Duration::from_secs(5));
    Ok(())
}
