//! Keeps the snapshot in step with the bucket.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use parking_lot::Mutex;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{ModulePath, ModuleVersion, wire::CatalogQuestion};
use wombat_store::{Followers, Store};

use super::{
    Choices, ChosenReleases, Schemas, embedded, go_releases::go_releases, leader::LeadersLast,
    search::wanted_releases, snapshot::Snapshot, told::Told,
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
    pub(crate) async fn start(
        store: &Store,
        chosen: Choices,
        followers: &Followers,
    ) -> anyhow::Result<Self> {
        seed(store).await?;
        let (sender, mut snapshots) = watch::channel(None);
        let stop = followers.stop().clone();
        followers.spawn(follow(store.clone(), chosen, sender, stop));
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

    /// What the bucket holds now, and what the components of its default releases are configured with.
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

    /// The same for the releases that a question is about.
    pub(crate) fn schemas_of(&self, question: &CatalogQuestion) -> (Arc<Snapshot>, Arc<Schemas>) {
        if question.module.is_none() && question.version.is_none() {
            return self.schemas();
        }
        let snapshot = self.snapshot();
        let wanted = wanted_releases(&snapshot, question);
        let wanted = wanted.map(|release| (release.module.clone(), release.version.clone()));
        let schemas = Schemas::of_built(&snapshot, &wanted.collect());
        (snapshot, Arc::new(schemas))
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
    let added = store.catalog.add_go_releases(&go_releases()?).await;
    added.context("storing the Go releases in the catalog")?;
    Ok(())
}

async fn follow(
    store: Store,
    chosen: Choices,
    sender: watch::Sender<Option<Arc<Snapshot>>>,
    stop: CancellationToken,
) {
    let mut watcher = store.catalog.watch();
    let mut blocked = store.catalog.watch_blocklist();
    let mut go = store.catalog.watch_go_releases();
    let mut defaults = store.catalog.watch_default_releases();
    let mut told = Told::new(chosen.clone());
    let mut warned = false;
    loop {
        let missing = told.lacks_documents();
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
            event = go.next() => told.note_go(event),
            event = defaults.next() => told.note_defaults(event),
            () = tokio::time::sleep(RETRY), if missing => {}
            () = stop.cancelled() => return,
        }
        if told.knows_enough() {
            told.read_documents(&store).await;
            if let Some(snapshot) = told.changed_snapshot() {
                if !std::mem::replace(&mut warned, true) {
                    warn_of_missing(&snapshot, &chosen.releases);
                }
                let snapshot = Arc::new(snapshot);
                // Before the store is written to: what is blocked from now on mustn't wait for that.
                sender.send_replace(Some(Arc::clone(&snapshot)));
                if let Some(reached) = told.new_defaults(&snapshot) {
                    note_defaults(&store, &reached).await;
                }
            }
        }
    }
}

/// Notes default releases, so that an older release that is imported later doesn't take their place. They hold without
/// the note until then; the next change of the catalog is another chance.
async fn note_defaults(store: &Store, reached: &BTreeMap<ModulePath, ModuleVersion>) {
    if let Err(error) = store.catalog.raise_default_releases(reached).await {
        warn!(%error, "can't note the default releases");
    }
}

fn warn_of_missing(snapshot: &Snapshot, chosen: &ChosenReleases) {
    for (module, version) in snapshot.missing_choices(chosen) {
        warn!(%module, %version, "the catalog doesn't have this --default-release yet; import it");
    }
}
