//! Keeps the index in step with the bucket.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{Build, wire::BuildView};
use wombat_store::{Revision, Store, Versioned, WatchEvent, Watcher};

use super::{
    Builds, Searchable,
    schema::{self, Fields},
    storage::{self, Stand, Storage},
};
use crate::catalog::Catalog;

/// How long changes are gathered before they become searchable together.
const GATHER: Duration = Duration::from_millis(200);
/// Wait before starting over after a failure.
const BACKOFF: Duration = Duration::from_secs(1);

/// Starts following; the index answers once it has caught up.
pub(crate) fn start(
    store: &Store,
    catalog: &Catalog,
    state_dir: PathBuf,
    stop: CancellationToken,
) -> Builds {
    let builds = Builds::default();
    let (published, store, catalog) = (builds.clone(), store.clone(), catalog.clone());
    tokio::spawn(async move {
        let follow = async {
            loop {
                let follower = Follower::start(&published, &store, &catalog, &state_dir).await;
                let ended = match follower {
                    Ok(follower) => follower.run(&stop).await,
                    Err(error) => Err(error),
                };
                published.publish(None);
                match ended {
                    Ok(()) => return,
                    Err(error) => warn!(
                        error = format!("{error:#}"),
                        "the index of builds starts over"
                    ),
                }
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
    storage: Storage,
    fields: Fields,
    watcher: Watcher<Build>,
    /// The bucket: when it was made.
    created: i128,
    /// The last revision that was written into the index.
    revision: Revision,
    /// The bucket's last revision when it was begun with an empty index: up to here every key comes once.
    once_until: Revision,
    /// Whether the content from the start of the watch is complete.
    caught_up: bool,
}

impl<'a> Follower<'a> {
    async fn start(
        published: &'a Builds,
        store: &'a Store,
        catalog: &Catalog,
        state_dir: &std::path::Path,
    ) -> anyhow::Result<Self> {
        let (created, last) = store.builds.identity().await?;
        let folder = state_dir.to_owned();
        let mut storage = tokio::task::spawn_blocking(move || storage::open(&folder)).await??;
        let revision = storage.stand.take().and_then(|stand| {
            let fits = stand.fits(created, last, catalog.snapshot().revision());
            fits.then(|| Revision::new(stand.revision))
        });
        let watcher = if let Some(revision) = revision {
            info!(after = revision.get(), "the index of builds goes on");
            store.builds.watch_after(revision)
        } else {
            storage.clear()?;
            store.builds.watch()
        };
        Ok(Self {
            published,
            store,
            catalog: catalog.clone(),
            storage,
            fields: schema::fields(),
            watcher,
            created,
            revision: revision.unwrap_or(Revision::ZERO),
            once_until: if revision.is_some() {
                Revision::ZERO
            } else {
                last
            },
            caught_up: false,
        })
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
                    due = None;
                    self.commit().await?;
                }
                event = self.watcher.next() => {
                    if self.take_in(event).await? && self.caught_up {
                        due.get_or_insert_with(|| Instant::now() + GATHER);
                    }
                }
                snapshot = catalog.changed() => {
                    info!(revision = snapshot.revision(), "the catalog changed; builds are indexed anew");
                    due = None;
                    self.start_over().await?;
                }
            }
        }
    }

    /// Whether there is something to commit now.
    async fn take_in(&mut self, event: WatchEvent<Build>) -> anyhow::Result<bool> {
        match event {
            WatchEvent::Value { record, .. } => {
                self.revision = self.revision.max(record.revision);
                self.write(record)?;
                Ok(true)
            }
            WatchEvent::Removed { key, revision } => {
                self.revision = self.revision.max(revision);
                // A key that isn't a build's has no document.
                if let Ok(key) = key.parse() {
                    self.storage.remove(self.fields.id(&key));
                }
                Ok(true)
            }
            WatchEvent::Ready => {
                self.caught_up = true;
                self.commit().await?;
                self.published.publish(Some(Searchable {
                    reader: self.storage.reader.clone(),
                    values: Arc::clone(&self.storage.values),
                    fields: self.fields,
                }));
                Ok(false)
            }
            WatchEvent::Reset => {
                // What is searchable is void. The watch goes on with the new bucket by itself.
                self.published.publish(None);
                let identity = self.store.builds.identity().await;
                let (created, last) = identity.context("reading the new bucket")?;
                self.created = created;
                self.clear(last)?;
                Ok(false)
            }
        }
    }

    /// Reads everything again; what is searchable stays until then.
    async fn start_over(&mut self) -> anyhow::Result<()> {
        let (_, last) = self.store.builds.identity().await?;
        self.clear(last)?;
        self.watcher = self.store.builds.watch();
        Ok(())
    }

    /// Nothing is in the index any more, and the bucket got to `last`.
    fn clear(&mut self, last: Revision) -> anyhow::Result<()> {
        self.storage.clear()?;
        self.revision = Revision::ZERO;
        self.once_until = last;
        self.caught_up = false;
        Ok(())
    }

    fn write(&self, record: Versioned<Build>) -> anyhow::Result<()> {
        let revision = record.revision;
        let view = BuildView::of(record.value, revision.get());
        let document = self.fields.document(&view, &self.catalog.snapshot())?;
        if revision <= self.once_until {
            self.storage.add(document)?;
        } else {
            let id = self.fields.id(&view.id);
            self.storage.replace(id, document)?;
        }
        Ok(())
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        let catalog = self.catalog.snapshot().revision();
        let stand = Stand::now(self.created, self.revision.get(), catalog);
        self.storage.commit(&stand).await
    }
}
