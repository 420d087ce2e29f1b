//! Follows imports and stores their results in the catalog. Every instance tries to; the first one wins.
//!
//! Builders write how far an import is. Which imports were requested, and how they ended, is under keys that only
//! services write: what a builder says of any other import isn't believed.
//!
//! *step*: what follows from an import and its request · *result*: the checks of a result · *storing*: a release on its
//! way into the catalog.

mod result;
mod step;
mod storing;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use time::OffsetDateTime;
use tracing::{debug, info, warn};
use wombat_model::{
    ProblemCode,
    catalog::{AskedImport, Import, ImportState},
};
use wombat_store::{Followers, Revision, Store, StoreError, Versioned, WatchEvent, Written};

use super::{Catalog, Snapshot};
use step::{Step, next};
use storing::{Unsettled, put_into_catalog, remove_document};

/// Time until a failed store is retried.
const RETRY: Duration = Duration::from_secs(5);

/// All imports, by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Imports(Arc<Mutex<BTreeMap<String, Known>>>);

#[derive(Clone, Debug)]
struct Known {
    import: Versioned<Import>,
    /// When the server stored it.
    written: OffsetDateTime,
    /// Whether what follows from this state was done.
    done: bool,
}

impl Imports {
    /// Follows until `stop`.
    pub(crate) fn start(store: &Store, catalog: &Catalog, followers: &Followers) -> Self {
        let imports = Self::default();
        let follower = imports.clone();
        let (store, catalog) = (store.clone(), catalog.clone());
        let stop = followers.stop().clone();
        followers.spawn(async move {
            tokio::select! {
                () = follower.follow(&store, &catalog) => {}
                () = stop.cancelled() => {}
            }
        });
        imports
    }

    /// By module and version, as they are at this server time.
    pub(crate) fn all(&self, now: OffsetDateTime) -> Vec<Import> {
        let known = self.0.lock();
        let seen = |known: &Known| {
            let elapsed = Duration::try_from(now - known.written).unwrap_or_default();
            known.import.value.clone().seen_after(elapsed)
        };
        known.values().map(seen).collect()
    }

    async fn follow(&self, store: &Store, catalog: &Catalog) {
        let mut watcher = store.catalog.watch_imports();
        loop {
            let is_waiting = !self.undone().is_empty();
            tokio::select! {
                event = watcher.next() => self.note(event),
                // Retries what couldn't be stored.
                () = tokio::time::sleep(RETRY), if is_waiting => {}
            }
            for (key, import) in self.undone() {
                let name = format!("{}@{}", import.value.module, import.value.version);
                match attend(store, &catalog.snapshot(), &name, &import).await {
                    Ok(()) => self.did(&key, import.revision),
                    Err(error) => {
                        warn!(release = name, %error, "can't settle an import yet; retrying");
                    }
                }
            }
        }
    }

    fn note(&self, event: WatchEvent<Import>) {
        let mut known = self.0.lock();
        match event {
            WatchEvent::Value {
                key,
                record: import,
                written,
            } => {
                let before = known.get(&key);
                let done = before.is_some_and(|before| before.done && goes_on(before, &import));
                let now = Known {
                    import,
                    written,
                    done,
                };
                known.insert(key, now);
            }
            WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                known.remove(&key);
            }
            WatchEvent::Ready => {}
            WatchEvent::Reset => known.clear(),
        }
    }

    fn undone(&self) -> Vec<(String, Versioned<Import>)> {
        let known = self.0.lock();
        let undone = known.iter().filter(|(_, known)| !known.done);
        undone
            .map(|(key, known)| (key.clone(), known.import.clone()))
            .collect()
    }

    fn did(&self, key: &str, revision: Revision) {
        if let Some(known) = self.0.lock().get_mut(key)
            && known.import.revision == revision
        {
            known.done = true;
        }
    }
}

/// Whether a builder told its progress in a known import: nothing follows from that.
fn goes_on(before: &Known, import: &Versioned<Import>) -> bool {
    let before = &before.import.value;
    matches!(import.value.state, ImportState::Importing { .. })
        && !before.is_over()
        && AskedImport::new(before).is_of(&import.value)
}

/// Does what follows from an import. Where another instance was first, nothing is left to do.
async fn attend(
    store: &Store,
    known: &Snapshot,
    name: &str,
    import: &Versioned<Import>,
) -> Result<(), StoreError> {
    let Versioned { value, revision } = import;
    let asked = store.catalog.asked_import(&value.module, &value.version);
    match next(asked.await?, value) {
        Step::Leave => Ok(()),
        Step::Settle(asked) => settle(store, known, name, &asked, import).await,
        Step::End(asked, state) => end(store, name, &asked, state, import).await.map(drop),
        Step::Write(right, reason) => {
            warn!(
                release = name,
                reason,
                state = ?value.state,
                "the state of an import isn't believed and is written anew"
            );
            let written = store.catalog.write_import(right, *revision);
            written.await.map(drop)
        }
    }
}

/// Stores an imported release, and the import's new state.
async fn settle(
    store: &Store,
    known: &Snapshot,
    name: &str,
    asked: &Versioned<AskedImport>,
    import: &Versioned<Import>,
) -> Result<(), StoreError> {
    let Versioned { value, revision } = import;
    let (state, unused) = match put_into_catalog(store, known, value, *revision).await {
        Ok((packages, document)) => {
            info!(release = name, packages, "imported into the catalog");
            (ImportState::Success { packages }, document)
        }
        Err(Unsettled::Later(error)) => return Err(error),
        Err(Unsettled::Gone(problem)) => {
            warn!(release = name, %problem, "the result of an import is gone; importing again");
            let anew = value.at(ImportState::New);
            return store.catalog.write_import(anew, *revision).await.map(drop);
        }
        Err(Unsettled::Never(error)) => (ImportState::failed(format!("{error:#}")), None),
        Err(Unsettled::KnownNames { message, document }) => {
            warn!(release = name, message, "an import was refused");
            let code = Some(ProblemCode::KnownNames);
            (ImportState::Failed { code, message }, Some(document))
        }
    };
    // Not before: an instance that finds the result of an open import gone starts the import again.
    if end(store, name, asked, state, import).await?
        && let Some(unused) = unused
    {
        remove_document(store, &unused).await;
    }
    Ok(())
}

/// Writes the end of a request, then that of its import. Returns whether this instance wrote it.
async fn end(
    store: &Store,
    name: &str,
    asked: &Versioned<AskedImport>,
    state: ImportState,
    import: &Versioned<Import>,
) -> Result<bool, StoreError> {
    let ended = asked.value.ended(state);
    let over = ended.import().clone();
    let written = store.catalog.end_asked_import(ended, asked.revision);
    if written.await? == Written::Lost {
        debug!(release = name, "another instance was first");
        return Ok(false);
    }
    if over != import.value {
        let written = store.catalog.write_import(over, import.revision);
        return Ok(matches!(written.await?, Written::Won(_)));
    }
    Ok(true)
}
