//! Keeps the snapshot in step with the bucket.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{Blocklist, catalog::Release};
use wombat_store::{Store, WatchEvent};

use super::{Schemas, Snapshot, embedded};

/// Schemas, and the revision of the snapshot that they are of.
type KnownSchemas = (u64, Arc<Schemas>);

/// The newest snapshot, for as long as the process runs.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    schemas: Arc<Mutex<Option<KnownSchemas>>>,
}

impl Catalog {
    /// Seeds the bucket, reads it, and goes on following it until `stop`.
    pub(crate) async fn start(store: &Store, stop: CancellationToken) -> anyhow::Result<Self> {
        seed(store).await?;
        let (sender, mut snapshots) = watch::channel(None);
        tokio::spawn(follow(store.clone(), sender, stop));
        snapshots
            .wait_for(Option::is_some)
            .await
            .context("the catalog can't be read")?;
        Ok(Self {
            snapshots,
            schemas: Arc::default(),
        })
    }

    /// What the bucket holds now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone().unwrap_or_default()
    }

    /// What the bucket holds now, and what its components are configured with.
    pub(crate) fn schemas(&self) -> (Arc<Snapshot>, Arc<Schemas>) {
        let snapshot = self.snapshot();
        let mut known = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let schemas = match &*known {
            Some((revision, schemas)) if *revision == snapshot.revision() => Arc::clone(schemas),
            _ => {
                let schemas = Arc::new(Schemas::of(&snapshot));
                *known = Some((snapshot.revision(), Arc::clone(&schemas)));
                schemas
            }
        };
        drop(known);
        (snapshot, schemas)
    }

    /// Waits until the snapshot is another one. Never ends once following has ended; safe to drop.
    pub(crate) async fn changed(&mut self) -> Arc<Snapshot> {
        if self.snapshots.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.snapshots
            .borrow_and_update()
            .clone()
            .unwrap_or_default()
    }
}

async fn seed(store: &Store) -> anyhow::Result<()> {
    for release in embedded::releases()? {
        let name = format!("{}@{}", release.module, release.version);
        if store
            .catalog
            .seed(release)
            .await
            .with_context(|| format!("storing {name} in the catalog"))?
        {
            info!(release = name, "added to the catalog");
        }
    }
    Ok(())
}

async fn follow(
    store: Store,
    sender: watch::Sender<Option<Arc<Snapshot>>>,
    stop: CancellationToken,
) {
    let mut watcher = store.catalog.watch();
    let mut blocked = store.catalog.watch_blocklist();
    let mut releases: BTreeMap<String, Arc<Release>> = BTreeMap::new();
    let mut blocklist = Arc::new(Blocklist::default());
    let mut revision = 0;
    let (mut ready, mut knows_blocked) = (false, false);
    loop {
        let event = tokio::select! {
            event = watcher.next() => event,
            event = blocked.next() => {
                match event {
                    WatchEvent::Value { record, .. } => {
                        revision = revision.max(record.revision.get());
                        blocklist = Arc::new(record.value);
                    }
                    WatchEvent::Removed { revision: at, .. } => {
                        revision = revision.max(at.get());
                        blocklist = Arc::default();
                    }
                    WatchEvent::Ready => knows_blocked = true,
                    // What was blocked stays so until the new bucket has been read.
                    WatchEvent::Reset => continue,
                }
                if ready && knows_blocked {
                    send(&sender, &releases, &blocklist, revision);
                }
                continue;
            }
            () = stop.cancelled() => return,
        };
        match event {
            WatchEvent::Value { key, record, .. } => {
                revision = revision.max(record.revision.get());
                releases.insert(key, Arc::new(record.value));
            }
            WatchEvent::Removed { key, revision: at } => {
                revision = revision.max(at.get());
                releases.remove(&key);
            }
            WatchEvent::Ready => ready = true,
            WatchEvent::Reset => {
                releases.clear();
                revision = 0;
                ready = false;
                if let Err(error) = seed(&store).await {
                    warn!(error = format!("{error:#}"), "can't fill the new catalog");
                }
            }
        }
        // Nobody is answered before it is known what is blocked.
        if ready && knows_blocked {
            send(&sender, &releases, &blocklist, revision);
        }
    }
}

fn send(
    sender: &watch::Sender<Option<Arc<Snapshot>>>,
    releases: &BTreeMap<String, Arc<Release>>,
    blocklist: &Arc<Blocklist>,
    revision: u64,
) {
    let snapshot = Snapshot::new(releases.values().cloned(), revision);
    sender.send_replace(Some(Arc::new(snapshot.blocking(Arc::clone(blocklist)))));
}
