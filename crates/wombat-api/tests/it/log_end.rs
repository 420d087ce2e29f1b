//! The end of a stream comes after the last line of the log, wherever the lines are held up.

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use reqwest::StatusCode;
use wombat_model::{Failure, FailureClass, Status, log::LogEvent};
use wombat_store::{Claim, Connection, Revision, Store};
use wombat_testkit::{DelayProxy, NatsServer, a_spec, wait_until};

use crate::{
    event_stream::{EventStream, Received},
    support::{Api, Options, PATIENCE, building, fail, line, say, succeed},
};

/// The numbers of all entries that came.
fn numbers(events: &[Received]) -> Vec<u64> {
    events
        .iter()
        .filter(|event| matches!(event.event.as_str(), "log" | "gap"))
        .map(|event| event.json()["n"].as_u64().expect("a number"))
        .collect()
}

fn names(events: &[Received]) -> Vec<&str> {
    events.iter().map(|event| event.event.as_str()).collect()
}

/// Lines up to this number, and the end.
async fn say_rest(store: &Store, claim: &Claim, last: u64) -> anyhow::Result<Revision> {
    for n in 2..last {
        say(store, claim, n, line(&format!("line {n}"))).await?;
    }
    let status = Status::Success;
    say(store, claim, last, LogEvent::End { status }).await
}

/// Deletes the consumer of every follower of the logs. A follower waits for the server's heartbeat for ten seconds before it
/// makes a new one, as it does when the node of its consumer dies.
async fn hold_up_logs(connection: &Connection) -> anyhow::Result<()> {
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let stream = jetstream.get_stream("BUILD_LOGS").await?;
    let names: Vec<String> = stream.consumer_names().try_collect().await?;
    anyhow::ensure!(!names.is_empty(), "a gateway follows the logs");
    for name in names {
        stream.delete_consumer(&name).await?;
    }
    Ok(())
}

/// A stream that has sent the first line and follows the log; further lines are held up.
async fn held_up(
    server: &NatsServer,
    store: &Store,
    connection: &Connection,
) -> anyhow::Result<(Api, Claim, EventStream)> {
    let api = Api::start(server).await?;
    let claim = building(store, &a_spec().build(), false).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    let mut stream = EventStream::open(&api, &path, None).await?;
    assert_eq!(stream.next().await?.expect("the record").event, "build");
    // Comes through the follower: the stream was read to its end before.
    assert!(stream.is_quiet(Duration::from_millis(300)).await);
    say(store, &claim, 1, line("line 1")).await?;
    assert_eq!(numbers(&[stream.next().await?.expect("a line")]), [1]);
    wait_until("one consumer is left", PATIENCE, async || {
        let jetstream = async_nats::jetstream::new(connection.client().clone());
        let stream = jetstream.get_stream("BUILD_LOGS").await?;
        Ok((stream.cached_info().state.consumer_count == 1).then_some(()))
    })
    .await?;
    hold_up_logs(connection).await?;
    Ok((api, claim, stream))
}

#[tokio::test]
async fn the_end_waits_for_the_last_line_that_the_record_names() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let (api, claim, mut stream) = held_up(&server, &store, &connection).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    let last = say_rest(&store, &claim, 9).await?;
    let begun = Instant::now();
    succeed(&store, claim.with_log_end(last), b"binary").await?;
    let events = stream.rest().await?;
    assert_eq!(numbers(&events), (2..=9).collect::<Vec<_>>());
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    EventStream::is_over(&api, &path, &events).await?;
    Ok(())
}

/// A cancelled build, or one from an older builder: the leader of the logs knows the last line.
#[tokio::test]
async fn where_the_record_names_no_last_line_the_leader_is_asked() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let (_api, claim, mut stream) = held_up(&server, &store, &connection).await?;
    say_rest(&store, &claim, 9).await?;
    let begun = Instant::now();
    store.builds.cancel(claim.key()).await?.expect("a build")?;
    let events = stream.rest().await?;
    assert_eq!(numbers(&events), (2..=9).collect::<Vec<_>>());
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(events.last().expect("an end").event, "end");
    Ok(())
}

/// The last lines of a cancelled build come after the record.
#[tokio::test]
async fn last_words_after_the_record_are_waited_for_and_nothing_is_204_before() -> anyhow::Result<()>
{
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    let mut stream = EventStream::open(&api, &path, None).await?;
    say(&store, &claim, 1, line("line 1")).await?;
    for expected in ["build", "log"] {
        assert_eq!(stream.next().await?.expect("an event").event, expected);
    }
    let mut last_id = String::new();
    store.builds.cancel(claim.key()).await?.expect("a build")?;
    while let Some(event) = stream.next().await? {
        last_id.clone_from(&event.id);
        if event.event == "build" && event.json()["status"] == "cancelled" {
            break;
        }
    }
    let answer = EventStream::ask(&api, &path, Some(&last_id)).await?;
    assert_eq!(answer.status(), StatusCode::OK);
    say(
        &store,
        &claim,
        2,
        LogEvent::End {
            status: Status::Cancelled,
        },
    )
    .await?;
    let events = stream.rest().await?;
    assert_eq!(names(&events), ["log", "end"]);
    Ok(())
}

/// One second there and back between the gateway and NATS.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_to_the_gateway_loses_no_line() -> anyhow::Result<()> {
    let server = NatsServer::alone()?;
    let (_connection, store) = server.store().await?;
    let link = DelayProxy::start(&server.url(), Duration::from_secs(1)).await?;
    let api = Api::with(&link.url(), Options::default()).await?;
    let claims = [
        building(&store, &a_spec().package("named").build(), false).await?,
        building(&store, &a_spec().package("unnamed").build(), false).await?,
    ];
    for (claim, names_end) in claims.into_iter().zip([true, false]) {
        let path = format!("/api/builds/{}/events", claim.key());
        let mut stream = EventStream::open(&api, &path, None).await?;
        say(&store, &claim, 1, line("line 1")).await?;
        let last = say_rest(&store, &claim, 40).await?;
        if names_end {
            fail(&store, claim.with_log_end(last)).await?;
        } else {
            fail(&store, claim).await?;
        }
        let events = stream.rest().await?;
        assert_eq!(numbers(&events), (1..=40).collect::<Vec<_>>());
        EventStream::is_over(&api, &path, &events).await?;
    }
    Ok(())
}

/// A record may name a line that the stream doesn't hold any more.
#[tokio::test]
async fn a_log_that_was_trimmed_is_over_too() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    let key = claim.key().clone();
    say(&store, &claim, 1, line("line 1")).await?;
    let last = say_rest(&store, &claim, 3).await?;
    fail(&store, claim.with_log_end(last)).await?;
    store.logs.purge(&key).await?;
    let path = format!("/api/builds/{key}/events");
    let events = EventStream::open(&api, &path, None).await?.rest().await?;
    assert_eq!(names(&events), ["build", "end"]);
    Ok(())
}

#[tokio::test]
async fn a_removed_build_is_said_to_be_removed() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let claim = building(&store, &a_spec().build(), false).await?;
    let path = format!("/api/builds/{}/events", claim.key());
    let mut stream = EventStream::open(&api, &path, None).await?;
    say(&store, &claim, 1, line("line 1")).await?;
    for expected in ["build", "log"] {
        assert_eq!(stream.next().await?.expect("an event").event, expected);
    }
    remove_by_hand(&connection, claim.key().as_str()).await?;
    assert_eq!(names(&stream.rest().await?), ["removed", "end"]);
    Ok(())
}

/// As after a removal by an operator who doesn't know `?purge=1`, or by a builder that writes lines after a purge.
#[tokio::test]
async fn a_build_that_is_asked_for_after_its_removal_has_no_old_log() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let api = Api::start(&server).await?;
    let spec = a_spec().build();
    let other = building(&store, &a_spec().package("other").build(), false).await?;
    let claim = building(&store, &spec, false).await?;
    for claim in [&claim, &other] {
        say(&store, claim, 1, line("of the first life")).await?;
    }
    remove_by_hand(&connection, claim.key().as_str()).await?;
    let again = building(&store, &spec, false).await?;
    say(&store, &again, 1, line("of the second life")).await?;
    let path = format!("/api/builds/{}/events", again.key());
    let failure = Failure::new(FailureClass::Compile, "words");
    store.builds.fail(again, failure).await?;
    let events = EventStream::open(&api, &path, None).await?.rest().await?;
    let lines: Vec<_> = events.iter().filter(|event| event.event == "log").collect();
    assert_eq!(lines.len(), 1, "{events:?}");
    assert_eq!(lines[0].json()["lines"][0], "of the second life");
    let (entries, _) = store.logs.read(other.key(), Revision::ZERO, 9).await?;
    assert_eq!(entries.len(), 1, "another build's log is its own");
    Ok(())
}

async fn remove_by_hand(connection: &Connection, key: &str) -> anyhow::Result<()> {
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    jetstream.get_key_value("builds").await?.delete(key).await?;
    Ok(())
}
