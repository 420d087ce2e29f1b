//! Keeps the snapshot in step with the bucket.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use parking_lot::Mutex;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{
    Blocklist,
    catalog::{Release, ReleaseDocument},
};
use wombat_store::{Followers, Revision, Store, WatchEvent};

use super::{
    Schemas,
    documents::{Documented, Documents, LARGEST_DOCUMENT},
    embedded,
    leader::LeadersLast,
    snapshot::{Releases, Snapshot},
};

/// How long until a document that couldn't be read is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// Longest time to wait for releases that the leader has.
const PATIENCE: Duration = Duration::from_secs(2);

/// Schemas, and the snapshot that they are of. The same revision may know more documents later.
type KnownSchemas = (Arc<Snapshot>, Arc<Schemas>);

/// The newest snapshot, for as long as the process runs.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    schemas: Arc<Mutex<Option<KnownSchemas>>>,
    leaders_last: LeadersLast,
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
            leaders_last: LeadersLast::default(),
        })
    }

    /// What the bucket holds now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone().unwrap_or_default()
    }

    /// What the bucket holds now, and what its components are configured with.
    pub(crate) fn schemas(&self) -> (Arc<Snapshot>, Arc<Schemas>) {
        let snapshot = self.snapshot();
        let mut known = self.schemas.lock();
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

    /// Waits until the snapshot has every release that the leader has, for two seconds at most. Returns whether there
    /// is a newer snapshot than `before`, the revision of one's releases.
    pub(crate) async fn catch_up(&self, store: &Store, before: u64) -> bool {
        let caught_up = async {
            let last = self.leaders_last.read(store).await?;
            let mut snapshots = self.snapshots.clone();
            let has_all = snapshots.wait_for(|snapshot| {
                let snapshot = snapshot.as_ref();
                snapshot.is_some_and(|snapshot| snapshot.releases_revision() >= last)
            });
            has_all.await.ok().map(drop)
        };
        let _ = timeout(PATIENCE, caught_up).await;
        self.snapshot().releases_revision() > before
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

/// What the bucket holds, as far as it was read.
#[derive(Default)]
struct Told {
    releases: BTreeMap<String, Arc<Release>>,
    /// The highest revision of their keys.
    releases_revision: u64,
    /// The same releases as a snapshot has them; made again after one changed.
    sorted: Option<Arc<Releases>>,
    blocklist: Arc<Blocklist>,
    blocklist_revision: u64,
    /// What was imported about the releases; those that can't be read yet are missing.
    documents: Documents,
    /// Whether a snapshot would be another one than the last.
    changed: bool,
    /// No snapshot is published before both are known: the releases, and the blocklist.
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
            if std::mem::take(&mut told.changed) {
                sender.send_replace(Some(Arc::new(told.snapshot())));
            }
        }
    }
}

impl Told {
    /// Whether it is a new bucket, which has to be filled.
    fn note_release(&mut self, event: WatchEvent<Release>) -> bool {
        match event {
            WatchEvent::Value { key, record, .. } => {
                self.releases.insert(key, Arc::new(record.value));
                self.releases_changed(record.revision);
            }
            WatchEvent::Removed { key, revision }
            | WatchEvent::Unreadable { key, revision, .. } => {
                self.releases.remove(&key);
                self.releases_changed(revision);
            }
            WatchEvent::Ready => {
                self.knows_releases = true;
                self.changed = true;
            }
            WatchEvent::Reset => {
                self.releases.clear();
                self.releases_revision = 0;
                self.sorted = None;
                self.knows_releases = false;
                return true;
            }
        }
        false
    }

    fn releases_changed(&mut self, revision: Revision) {
        self.releases_revision = self.releases_revision.max(revision.get());
        self.sorted = None;
        self.changed = true;
    }

    fn note_blocked(&mut self, event: WatchEvent<Blocklist>) {
        match event {
            WatchEvent::Value { record, .. } => {
                self.blocklist_changed(record.value, record.revision);
            }
            WatchEvent::Removed { revision, .. } => {
                self.blocklist_changed(Blocklist::default(), revision);
            }
            WatchEvent::Ready => {
                self.knows_blocked = true;
                self.changed = true;
            }
            // What was blocked before stays blocked.
            WatchEvent::Reset => self.blocklist_revision = 0,
            WatchEvent::Unreadable { .. } => {}
        }
    }

    fn blocklist_changed(&mut self, blocklist: Blocklist, revision: Revision) {
        self.blocklist = Arc::new(blocklist);
        self.blocklist_revision = revision.get();
        self.changed = true;
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
            self.changed = true;
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

    fn snapshot(&mut self) -> Snapshot {
        let releases = self.sorted.get_or_insert_with(|| {
            let releases = self.releases.values().cloned();
            Arc::new(Releases::new(releases, self.releases_revision))
        });
        Snapshot::of(Arc::clone(releases))
            .blocking(Arc::clone(&self.blocklist), self.blocklist_revision)
            .documented(Arc::clone(&self.documents))
    }
}
