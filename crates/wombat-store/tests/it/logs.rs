//! Logs: each entry once, in order, from any point on.

use wombat_model::{
    Status,
    log::{LogEntry, LogEvent},
};
use wombat_store::{LogsEvent, Revision};
use wombat_testkit::{NatsServer, a_spec};

fn lines(n: u64) -> LogEntry {
    LogEntry {
        n,
        at: n,
        event: LogEvent::Lines {
            lines: vec![format!("line {n}")],
        },
    }
}

#[tokio::test]
async fn entries_are_kept_once_and_read_in_pages() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let key = a_spec().build().key();
    let other = a_spec().package("redis").build().key();
    let claim = "c1".parse()?;
    for n in 1..=5 {
        store.logs.append(&key, &claim, &lines(n)).await?;
        store.logs.append(&other, &claim, &lines(n)).await?;
    }
    let end = LogEntry {
        n: 6,
        at: 6,
        event: LogEvent::End {
            status: Status::Success,
        },
    };
    let first = store.logs.append(&key, &claim, &end).await?;
    let again = store.logs.append(&key, &claim, &end).await?;
    assert_eq!(first, again, "a repeated append is the same entry");

    let start = store.logs.state().await?;
    let (page, complete) = store.logs.read(&key, Revision::ZERO, 4).await?;
    assert_eq!((page.len(), complete), (4, false));
    let (rest, complete) = store.logs.read(&key, page[3].sequence, 4).await?;
    assert_eq!((rest.len(), complete), (2, true));
    let numbers: Vec<u64> = page
        .iter()
        .chain(&rest)
        .map(|logged| logged.entry.n)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert_eq!(store.logs.last(&key, &claim).await?, Some(end));
    assert_eq!(store.logs.read(&key, start.last, 4).await?, (vec![], true));
    Ok(())
}

#[tokio::test]
async fn following_goes_on_through_a_restart_without_gap_or_repeat() -> anyhow::Result<()> {
    let mut nats = NatsServer::alone()?;
    let (_connection, store) = nats.store().await?;
    let key = a_spec().build().key();
    let claim = "c1".parse()?;
    let mut follower = store.logs.follow(&key, Revision::ZERO);
    assert_eq!(follower.next().await, LogsEvent::CaughtUp);
    for n in 1..=3 {
        store.logs.append(&key, &claim, &lines(n)).await?;
    }
    nats.restart()?;
    for n in 4..=6 {
        while store.logs.append(&key, &claim, &lines(n)).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
    for n in 1..=6 {
        let LogsEvent::Entry(logged) = follower.next().await else {
            anyhow::bail!("an entry")
        };
        assert_eq!(logged.entry.n, n);
    }
    Ok(())
}
