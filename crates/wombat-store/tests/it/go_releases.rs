//! The list of Go releases: several processes add to it, and none takes anything away.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::timeout;
use wombat_model::catalog::GoReleases;
use wombat_store::WatchEvent;
use wombat_testkit::NatsServer;

const LIMIT: Duration = Duration::from_secs(20);

fn list(versions: &[&str], digit: char) -> GoReleases {
    let digits: String = std::iter::repeat_n(digit, 43).collect();
    let mut list = GoReleases::default();
    for version in versions {
        let sum = format!("h1:{digits}=").parse().unwrap();
        list.add(
            version.parse().unwrap(),
            "linux/amd64".parse().unwrap(),
            sum,
        );
    }
    list
}

#[tokio::test]
async fn what_is_added_stays_and_is_heard_of() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let catalog = &store.catalog;
    assert_eq!(catalog.go_releases().await?, None);
    let seed = list(&["1.26.8", "1.27.4"], 'a');
    assert_eq!(catalog.add_go_releases(&seed).await?, seed);

    let mut watcher = catalog.watch_go_releases();
    let mut next = async || timeout(LIMIT, watcher.next()).await;
    let WatchEvent::Value { record, .. } = next().await? else {
        panic!("the list is there");
    };
    assert_eq!(record.value, seed);
    assert_eq!(next().await?, WatchEvent::Ready);

    // Another checksum for a known release isn't taken.
    let time = OffsetDateTime::from_unix_timestamp(1_800_000_000)?;
    let learnt = list(&["1.26.8", "1.26.12"], 'b').checked_at(time);
    let mut expected = seed.clone();
    expected.add_all(&learnt);
    assert_eq!(catalog.add_go_releases(&learnt).await?, expected);
    let WatchEvent::Value { record, .. } = next().await? else {
        panic!("the list changed");
    };
    assert_eq!(record.value, expected);
    assert_eq!(record.value.checked(), Some(time));

    // A service that starts again adds nothing, and writes nothing.
    let before = record.revision;
    catalog.add_go_releases(&seed).await?;
    assert_eq!(catalog.go_releases().await?, Some(expected));
    let again = catalog.add_go_releases(&list(&["1.28.0"], 'c')).await?;
    let WatchEvent::Value { record, .. } = next().await? else {
        panic!("the list changed");
    };
    assert_eq!(
        (record.value, record.revision.get()),
        (again, before.get() + 1)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_processes_add_at_the_same_time_is_in_it() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let adding = (0..20).map(|patch| {
        let catalog = store.catalog.clone();
        tokio::spawn(async move {
            let version = format!("1.26.{patch}");
            catalog.add_go_releases(&list(&[&version], 'a')).await
        })
    });
    for added in adding.collect::<Vec<_>>() {
        added.await??;
    }
    let list = store.catalog.go_releases().await?.unwrap();
    assert_eq!(list.versions().count(), 20);
    Ok(())
}

#[tokio::test]
async fn a_damaged_list_is_replaced() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let damaged = jetstream.publish("$KV.catalog.go-releases", "{\"releases\":".into());
    damaged.await?.await?;
    assert_eq!(store.catalog.go_releases().await?, None);
    let seed = list(&["1.26.8"], 'a');
    store.catalog.add_go_releases(&seed).await?;
    assert_eq!(store.catalog.go_releases().await?, Some(seed));
    Ok(())
}
