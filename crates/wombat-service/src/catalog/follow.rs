//! Keeps the snapshot in step with the bucket.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{
    Blocklist,
    catalog::{Release, ReleaseDocument},
};
use wombat_store::{Followers, Store, WatchEvent};

use super::{
    Schemas, Snapshot,
    documents::{Documented, Documents},
    embedded,
    imports::LARGEST_DOCUMENT,
};

/// How long until a document that couldn't be read is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Schemas, and the snapshot that they are of. The same revision may know more documents later.
type KnownSchemas = (Arc<Snapshot>, Arc<Schemas>);

/// The newest snapshot, for as long as the process runs.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    schemas: Arc<Mutex<Option<KnownSchemas>>>,
}

impl Catalog {
    /// Seeds the bucket, reads it, and goes on following it until `stop`.
    pub(crate) async fn start(store: &Store, followers: &Followers) -> anyhow::Result<Self> {
        seed(store).await?;
        let (sender, mut snapshots) = watch::channel(None);
        let stop = followers.stop().clone();
        followers.spawn(follow(store.clone(), sender, stop));
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
            Some((of, schemas)) if Arc::ptr_eq(of, &snapshot) => Arc::clone(schemas),
            _ => {
                let schemas = Arc::new(Schemas::of(&snapshot));
                *known = Some((Arc::clone(&snapshot), Arc::clone(&schemas)));
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

/// What the bucket has told so far.
#[derive(Default)]
struct Told {
    releases: BTreeMap<String, Arc<Release>>,
    blocklist: Arc<Blocklist>,
    /// What was imported about the releases; those that can't be read yet are missing.
    documents: Documents,
    revision: u64,
    /// Nobody is answered before it is known what there is, and what is blocked.
    knows_releases: bool,
    knows_blocked: bool,
}

async fn follow(
    store: Store,
    sender: watch::Sender<Option<Arc<Snapshot>>>,
    stop: CancellationToken,
) {
    let mut watcher = store.catalog.watch();
    let mut blocked = store.catalog.watch_blocklist();
    let mut told = Told::default();
    loop {
        let missing = !told.missing_documents().is_empty();
        tokio::select! {
            event = watcher.next() => {
                if told.note_release(event)
                    && let Err(error) = seed(&store).await
                {
                    warn!(error = format!("{error:#}"), "can't fill the new catalog");
                }
            }
            // What was blocked stays so until the new bucket has been read.
            event = blocked.next() => told.note_blocked(event),
            () = tokio::time::sleep(RETRY), if missing => {}
            () = stop.cancelled() => return,
        }
        if told.knows_releases && told.knows_blocked {
            told.read_documents(&store).await;
            sender.send_replace(Some(Arc::new(told.snapshot())));
        }
    }
}

impl Told {
    /// Whether it is a new bucket, which has to be filled.
    fn note_release(&mut self, event: WatchEvent<Release>) -> bool {
        match event {
            WatchEvent::Value { key, record, .. } => {
                self.revision = self.revision.max(record.revision.get());
                self.releases.insert(key, Arc::new(record.value));
            }
            WatchEvent::Removed { key, revision }
            | WatchEvent::Unreadable { key, revision, .. } => {
                self.revision = self.revision.max(revision.get());
                self.releases.remove(&key);
            }
            WatchEvent::Ready => self.knows_releases = true,
            WatchEvent::Reset => {
                self.releases.clear();
                self.revision = 0;
                self.knows_releases = false;
                return true;
            }
        }
        false
    }

    fn note_blocked(&mut self, event: WatchEvent<Blocklist>) {
        match event {
            WatchEvent::Value { record, .. } => {
                self.revision = self.revision.max(record.revision.get());
                self.blocklist = Arc::new(record.value);
            }
            WatchEvent::Removed { revision, .. } => {
                self.revision = self.revision.max(revision.get());
                self.blocklist = Arc::default();
            }
            WatchEvent::Ready => self.knows_blocked = true,
            // What was blocked before stays blocked.
            WatchEvent::Unreadable { .. } | WatchEvent::Reset => {}
        }
    }

    fn missing_documents(&self) -> Vec<String> {
        let named = self.releases.values();
        let named = named.filter_map(|release| release.document.clone());
        named
            .filter(|name| !self.documents.contains_key(name))
            .collect()
    }

    /// A release is usable without: then less is known of its components.
    async fn read_documents(&mut self, store: &Store) {
        for name in self.missing_documents() {
            let bytes = store.documents.bytes(&name, LARGEST_DOCUMENT).await;
            let document = match bytes {
                Ok(Some(bytes)) => {
                    let document = serde_json::from_slice::<ReleaseDocument>(&bytes);
                    document.map_err(|error| warn!(name, %error, "a document can't be understood"))
                }
                Ok(None) => continue,
                Err(error) => {
                    warn!(name, %error, "can't read a document");
                    continue;
                }
            };
            let document = document.map_or_else(|()| Documented::default(), Documented::from);
            Arc::make_mut(&mut self.documents).insert(name, Arc::new(document));
        }
        if self.documents.len() > self.releases.len() {
            let used: BTreeSet<&String> = self
                .releases
                .values()
                .filter_map(|release| release.document.as_ref())
                .collect();
            Arc::make_mut(&mut self.documents).retain(|name, _| used.contains(name));
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.releases.values().cloned(), self.revision)
            .blocking(Arc::clone(&self.blocklist))
            .documented(Arc::clone(&self.documents))
    }
}
