//! Moves the link of a build that succeeded once more. Its builder only writes the first link, and the next sweep may be
//! far off.

use tracing::{debug, info};
use wombat_model::{ArtifactName, BuildKey, Status, wire::BuildOutline};
use wombat_store::{Store, StoreError, WatchEvent, Watcher};

use super::objects;

/// Follows successes.
#[derive(Debug)]
pub(super) struct Links {
    watcher: Watcher<BuildOutline>,
}

impl Links {
    /// Follows successes from now on; a sweep tends to the links of earlier ones.
    pub(super) async fn follow(store: &Store) -> Result<Self, StoreError> {
        let (_, last) = store.builds.identity().await?;
        Ok(Self {
            watcher: store.builds.watch_outlines(last),
        })
    }

    /// The next success, and its binary. Safe to drop between polls.
    async fn next(&mut self) -> (BuildKey, ArtifactName) {
        loop {
            let WatchEvent::Value { key, record, .. } = self.watcher.next().await else {
                continue;
            };
            let build = record.value;
            let is_there = build.status == Status::Success && !build.expired;
            if let (Ok(key), Some(name)) = (key.parse(), build.artifact.filter(|_| is_there)) {
                return (key, name);
            }
        }
    }
}

/// The next success of these, or never.
pub(super) async fn next(links: &mut Option<Links>) -> (BuildKey, ArtifactName) {
    match links {
        Some(links) => links.next().await,
        None => std::future::pending().await,
    }
}

/// Moves the build's link to its result, if it is linked to another binary than this one. A record that was changed
/// without permission is put back first.
pub(super) async fn tend(store: &Store, key: &BuildKey, name: &ArtifactName) {
    let moved = async {
        let there = store.artifacts.find(key.as_str()).await?;
        let Some(link) = there.and_then(|there| there.link) else {
            return Ok(());
        };
        if link == name.as_str() {
            return Ok(());
        }
        store.settle(key).await?;
        let published = store.publications.of(key).await?;
        if let Some(binary) = published.binary()
            && binary.artifact.as_str() != link
        {
            objects::link(store, key, &binary.artifact).await?;
            info!(%key, "moved a link to a new binary");
        }
        Ok::<(), StoreError>(())
    };
    if let Err(error) = moved.await {
        debug!(%key, %error, "a link is left to the next sweep");
    }
}
