//! Gives the builds of an older store their grants and results, once: an interrupted call is continued by the next.

use std::time::Duration;

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::timeout;
use tracing::info;
use wombat_model::{Build, BuildState, GrantResult, PublishedBinary, names::PUBLICATIONS_BUCKET};

use crate::{Builds, Connection, StoreError, Versioned, WatchEvent, publications::Publications};

/// Builds that are written concurrently.
const AT_ONCE: usize = 64;
/// Longest wait for the next record.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first grant of a build.
const FIRST: u64 = 1;

/// Lets every open build of the store be finished, and makes every success the result of its build. Does nothing in a
/// store where this was done: a record without a grant is an intruder's there. Returns whether it is done now.
pub(crate) async fn adopt(connection: &Connection) -> Result<bool, StoreError> {
    let publications = Publications::open(connection).await?;
    if publications.has_adopted().await? {
        return Ok(false);
    }
    let builds = Box::pin(Builds::open(connection)).await?;
    let adopted = adopt_all(&builds, &publications).await?;
    publications.note_adopted().await?;
    if adopted > 0 {
        info!(
            bucket = PUBLICATIONS_BUCKET,
            builds = adopted,
            "wrote the results of existing builds"
        );
    }
    Ok(true)
}

/// Returns for how many builds something was written.
async fn adopt_all(builds: &Builds, publications: &Publications) -> Result<u64, StoreError> {
    let mut watcher = builds.watch();
    let mut writing = FuturesUnordered::new();
    let mut adopted = 0;
    loop {
        match timeout(PATIENCE, watcher.next()).await {
            Ok(WatchEvent::Value { record, .. }) => {
                let is_open = !record.value.status().is_terminal();
                if is_open || record.value.artifact().is_some() {
                    writing.push(adopt_one(publications, record));
                }
            }
            Ok(WatchEvent::Removed { .. } | WatchEvent::Unreadable { .. }) => {}
            Ok(WatchEvent::Ready) => break,
            Ok(WatchEvent::Reset) => {
                let problem = "the bucket was replaced while it was read".to_owned();
                return Err(StoreError::Unavailable(problem));
            }
            Err(_) => {
                let problem = "the record watch has stalled".to_owned();
                return Err(StoreError::Unavailable(problem));
            }
        }
        if writing.len() >= AT_ONCE
            && let Some(is_new) = writing.next().await
        {
            adopted += u64::from(is_new?);
        }
    }
    while let Some(is_new) = writing.next().await {
        adopted += u64::from(is_new?);
    }
    Ok(adopted)
}

/// Returns whether anything was written.
async fn adopt_one(
    publications: &Publications,
    record: Versioned<Build>,
) -> Result<bool, StoreError> {
    let build = record.value;
    let key = build.key();
    let artifact = build
        .artifact()
        .filter(|artifact| artifact.name.key() == key)
        .cloned();
    let binary = artifact.map(PublishedBinary::from);
    let (previous, result) = match build.state() {
        BuildState::Success { .. } => (None, binary),
        BuildState::New { .. }
        | BuildState::Building { .. }
        | BuildState::Failed { .. }
        | BuildState::Cancelled { .. } => (binary, None),
    };
    let mut is_new = publications.grant_first(&key, previous).await?;
    if result.is_some() && publications.of(&key).await?.number() == FIRST {
        let result = GrantResult::of(&build, result);
        is_new |= publications.conclude(&key, FIRST, result).await?;
    }
    Ok(is_new)
}
