//! What makes the index of builds start over: other releases, and nothing else of the catalog.

use std::time::Duration;

use serde_json::json;
use wombat_model::catalog::Release;
use wombat_testkit::wait_until;

use crate::{
    janitor::LIMIT,
    list::{indexed, submit},
    support::{Calls, ask, body, one},
};

/// How often calls since the last time began with each of these. Consumers that begin later than at the first message
/// don't count.
async fn count<const N: usize>(
    calls: &mut Calls,
    prefixes: [&str; N],
) -> anyhow::Result<[usize; N]> {
    let calls = calls.since().await?;
    let begins = |prefix: &str| {
        let begun = calls.iter().filter(|call| call.subject.starts_with(prefix));
        let later = b"by_start_sequence";
        let is_later = |payload: &[u8]| payload.windows(later.len()).any(|part| part == later);
        begun.filter(|call| !is_later(&call.payload)).count()
    };
    Ok(prefixes.map(begins))
}

/// A consumer of the bucket of builds is made, as a follower does that reads the whole bucket.
const READ_ALL: &str = "$JS.API.CONSUMER.CREATE.KV_builds";

#[tokio::test]
async fn a_change_of_the_blocklist_reads_no_build_again() -> anyhow::Result<()> {
    let (server, client, store, instance) = Box::pin(one()).await?;
    submit(&store, "linux/amd64", "before").await?;
    indexed(&client, 1).await?;
    let mut calls = Calls::watch(&server).await?;

    let blocked = json!([{"module": "github.com/redpanda-data/connect", "reason": "not today"}]);
    let list = json!({"modules": blocked, "revision": 0});
    ask(&client, "catalog.block", &list).await.unwrap();
    wait_until("the module to be refused", LIMIT, async || {
        let answer = ask(&client, "build.request", &body("nats")).await;
        Ok(answer.is_err().then_some(()))
    })
    .await?;
    // Found by an index that went on, or by one that started over and has read everything by then.
    submit(&store, "linux/amd64", "after").await?;
    indexed(&client, 2).await?;
    assert_eq!(count(&mut calls, [READ_ALL]).await?, [0]);
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_release_without_its_document_starts_the_index_over_once() -> anyhow::Result<()> {
    /// A document is looked for every ten seconds.
    const TRIES: Duration = Duration::from_mins(1);
    const DOCUMENT: &str = "$JS.API.STREAM.MSG.GET.OBJ_catalog-docs";
    let (server, client, store, instance) = Box::pin(one()).await?;
    let mut calls = Calls::watch(&server).await?;
    let release: Release = serde_json::from_value(json!({
        "module": "example.com/m", "version": "v1.0.0", "title": "Example", "goVersions": ["1.26.8"],
        "requires": {}, "componentRoot": "", "packages": [], "document": "nowhere",
    }))?;
    store.catalog.seed(release).await?;
    let mut tries = 0;
    wait_until("the document to be looked for", TRIES, async || {
        tries += count(&mut calls, [DOCUMENT]).await?[0];
        Ok((tries > 0).then_some(()))
    })
    .await?;
    submit(&store, "linux/amd64", "first").await?;
    indexed(&client, 1).await?;
    let (mut tries, mut readings) = (0, 0);
    wait_until("three more tries", TRIES, async || {
        let [looked, read] = count(&mut calls, [DOCUMENT, READ_ALL]).await?;
        tries += looked;
        readings += read;
        Ok((tries >= 3).then_some(()))
    })
    .await?;
    submit(&store, "linux/amd64", "second").await?;
    indexed(&client, 2).await?;
    readings += count(&mut calls, [READ_ALL]).await?[0];
    // One for the new release, and one by the janitor's first sweep.
    assert!(readings <= 2, "all builds were read {readings} times");
    instance.stop().await?;
    Ok(())
}
