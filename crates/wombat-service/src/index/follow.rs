//! Keeps the index in step with the bucket.

use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use tantivy::TantivyError;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{Build, wire::BuildView};
use wombat_store::{Followers, Revision, Store, Versioned, WatchEvent, Watcher};

use super::{
    Builds, Searchable,
    absent::Absent,
    check::{Check, Next},
    schema::{self, Fields, ShortId},
    storage::{self, Checkpoint, Storage, StorageMode},
};
use crate::catalog::{Catalog, Snapshot};

/// How long changes are gathered before they become searchable together.
const GATHER: Duration = Duration::from_millis(200);
/// Wait before starting over after a failure.
const BACKOFF: Duration = Duration::from_secs(1);

/// Starts following; the index answers once it has caught up.
pub(crate) fn start(
    store: &Store,
    catalog: &Catalog,
    state_dir: PathBuf,
    followers: &Followers,
) -> Builds {
    let builds = Builds::default();
    let (published, store, catalog) = (builds.clone(), store.clone(), catalog.clone());
    let stop = followers.stop().clone();
    followers.spawn(async move {
        let follow = async {
            let (mut mode, mut failed_before) = (StorageMode::Folder, false);
            loop {
                let follower =
                    Follower::start(&published, &store, &catalog, &state_dir, mode).await;
                let ended = match follower {
                    Ok(follower) => follower.run(&stop).await,
                    Err(error) => Err(error),
                };
                published.publish(None);
                let Err(error) = ended else { return };
                // Once it was rebuilt in its folder, it stays there.
                if mode == StorageMode::FolderAnew {
                    mode = StorageMode::Folder;
                }
                if error.downcast_ref::<TantivyError>().is_some() {
                    mode = if failed_before {
                        StorageMode::Memory
                    } else {
                        StorageMode::FolderAnew
                    };
                    failed_before = true;
                }
                warn!(
                    error = format!("{error:#}"),
                    "the index of builds starts over"
                );
                tokio::time::sleep(BACKOFF).await;
            }
        };
        // Only a failing start is ended here: a running follower ends by itself, after its last commit.
        let cancelled = async {
            stop.cancelled().await;
            tokio::time::sleep(BACKOFF).await;
        };
        tokio::select! {
            () = follow => {}
            () = cancelled => {}
        }
    });
    builds
}

struct Follower<'a> {
    published: &'a Builds,
    store: &'a Store,
    catalog: Catalog,
    /// What the documents in the index were made with.
    known: Arc<Snapshot>,
    storage: Storage,
    fields: Fields,
    watcher: Watcher<Build>,
    /// The bucket: when it was made.
    created: i128,
    /// The last revision that was written into the index.
    revision: Revision,
    /// While an empty index is filled: the builds that are in it. A record may come twice, as it was and as it became.
    filling: Option<HashSet<ShortId>>,
    /// Whether the content from the start of the watch is complete.
    caught_up: bool,
    /// Keys without a document.
    absent: Absent,
    check: Check,
}

impl<'a> Follower<'a> {
    async fn start(
        published: &'a Builds,
        store: &'a Store,
        catalog: &Catalog,
        state_dir: &std::path::Path,
        mode: StorageMode,
    ) -> anyhow::Result<Self> {
        let (created, last) = store.builds.identity().await?;
        let folder = state_dir.to_owned();
        let mut storage =
            tokio::task::spawn_blocking(move || storage::open(&folder, mode)).await??;
        let now = store.builds.server_time();
        let known = catalog.snapshot();
        let checkpoint = storage.checkpoint.take().and_then(|checkpoint| {
            match checkpoint.obstacle(created, last, known.releases_revision(), now) {
                None => Some(checkpoint),
                Some(obstacle) => {
                    info!(reason = obstacle, "the index of builds is rebuilt");
                    None
                }
            }
        });
        let mut follower = Self {
            published,
            store,
            catalog: catalog.clone(),
            known,
            storage,
            fields: schema::fields(),
            watcher: store.builds.watch(),
            created,
            revision: Revision::ZERO,
            filling: Some(HashSet::new()),
            caught_up: false,
            absent: Absent::none(),
            check: Check::default(),
        };
        if let Some(checkpoint) = checkpoint {
            info!(after = checkpoint.revision, "the index of builds goes on");
            follower.revision = Revision::new(checkpoint.revision);
            follower.watcher = store.builds.watch_after(follower.revision);
            follower.filling = None;
            follower.absent = Absent::kept(checkpoint.absent);
        } else {
            follower.storage.clear().await?;
        }
        Ok(follower)
    }

    async fn run(mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut due: Option<Instant> = None;
        let mut catalog = self.catalog.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    if self.caught_up && due.is_some() {
                        self.commit().await?;
                    }
                    return Ok(());
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.commit().await?;
                    due = None;
                    if !self.check.is_done()
                        && let Some(next) = stop.run_until_cancelled(self.look()).await
                    {
                        due = self.follow_up(next).await?;
                    }
                }
                event = self.watcher.next() => {
                    let wait = self.take_in(event).await?;
                    if let Some(wait) = wait.filter(|_| self.caught_up) {
                        let at = Instant::now() + wait;
                        due = Some(due.map_or(at, |due| due.min(at)));
                    }
                }
                snapshot = catalog.changed() => if !snapshot.has_releases_of(&self.known) {
                    info!(revision = snapshot.releases_revision(), "the catalog's releases changed; the index of builds is rebuilt");
                    self.known = snapshot;
                    due = None;
                    self.start_over(Check::default()).await?;
                }
            }
        }
    }

    /// In which time it is to be committed, if there is something to commit.
    async fn take_in(&mut self, event: WatchEvent<Build>) -> anyhow::Result<Option<Duration>> {
        match event {
            WatchEvent::Value { key, record, .. } => self.take_in_record(&key, record)?,
            WatchEvent::Removed { key, revision }
            | WatchEvent::Unreadable { key, revision, .. } => {
                self.leave_out(key, revision);
            }
            WatchEvent::Ready => {
                self.caught_up = true;
                self.filling = None;
                return Ok(Some(Duration::ZERO));
            }
            WatchEvent::Reset => {
                // What is searchable is void. The watch goes on with the new bucket by itself.
                self.published.publish(None);
                let identity = self.store.builds.identity().await;
                self.created = identity.context("reading the new bucket")?.0;
                self.clear(Check::default()).await?;
                return Ok(None);
            }
        }
        Ok(Some(GATHER))
    }

    fn take_in_record(&mut self, key: &str, record: Versioned<Build>) -> anyhow::Result<()> {
        let revision = record.revision;
        let view = BuildView::of(record.value, revision.get());
        self.revision = self.revision.max(revision);
        self.absent.remove(key);
        let document = self.fields.document(&view, &self.known)?;
        let is_new = self
            .filling
            .as_mut()
            .is_some_and(|builds| builds.insert(schema::short_id(&view.id)));
        if is_new {
            self.storage.add(document)?;
        } else {
            self.storage.replace(self.fields.id(&view.id), document)?;
        }
        Ok(())
    }

    /// A key has no document any more.
    fn leave_out(&mut self, key: String, revision: Revision) {
        self.revision = self.revision.max(revision);
        // A key that isn't a build's has none anyway.
        if let Ok(id) = key.parse() {
            self.storage.remove(self.fields.id(&id));
        }
        self.absent.add(key);
    }

    /// Compares what was committed with the bucket.
    async fn look(&mut self) -> Next {
        let documents = self.storage.reader.searcher().num_docs();
        self.check
            .look(
                &self.store.builds,
                documents,
                self.revision,
                &mut self.absent,
            )
            .await
    }

    /// Does what follows from a look; when to commit and look again, if that is needed.
    async fn follow_up(&mut self, next: Next) -> anyhow::Result<Option<Instant>> {
        match next {
            Next::Answer { again } => {
                self.published.publish(Some(Searchable {
                    reader: self.storage.reader.clone(),
                    values: Arc::clone(&self.storage.values),
                    fields: self.fields,
                    is_in_memory: self.storage.is_in_memory(),
                }));
                Ok(again.then(|| Instant::now() + GATHER))
            }
            Next::LookAgain => Ok(Some(Instant::now() + GATHER)),
            Next::StartOver => {
                self.start_over(Check::made_anew()).await?;
                Ok(None)
            }
        }
    }

    /// Reads everything again; what is searchable stays until then.
    async fn start_over(&mut self, check: Check) -> anyhow::Result<()> {
        self.clear(check).await?;
        self.watcher = self.store.builds.watch();
        Ok(())
    }

    /// Nothing is in the index any more.
    async fn clear(&mut self, check: Check) -> anyhow::Result<()> {
        self.storage.clear().await?;
        self.revision = Revision::ZERO;
        self.filling = Some(HashSet::new());
        self.caught_up = false;
        self.absent = Absent::none();
        self.check = check;
        Ok(())
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        let catalog = self.known.releases_revision();
        let absent = self.absent.to_keep();
        let now = self.store.builds.server_time();
        let checkpoint = Checkpoint::new(self.created, self.revision.get(), catalog, absent, now);
        self.storage.commit(&checkpoint).await
    }
}
