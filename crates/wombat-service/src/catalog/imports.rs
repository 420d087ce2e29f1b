//! Follows imports and stores their results in the catalog. Every instance tries to; the first one wins.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use parking_lot::Mutex;
use time::OffsetDateTime;
use tracing::{debug, info, warn};
use wombat_model::catalog::{Import, ImportState, Release, ReleaseDocument};
use wombat_store::{Followers, Revision, Store, StoreError, Versioned, WatchEvent, Written};

use super::{Catalog, Snapshot, documents::LARGEST_DOCUMENT};

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
            let waiting = self.to_be_stored();
            tokio::select! {
                event = watcher.next() => self.note(event),
                // Retries a result that couldn't be stored.
                () = tokio::time::sleep(RETRY), if !waiting.is_empty() => {}
            }
            for import in self.to_be_stored() {
                settle(store, &catalog.snapshot(), import).await;
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
            } => drop(known.insert(key, Known { import, written })),
            WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                known.remove(&key);
            }
            WatchEvent::Ready => {}
            WatchEvent::Reset => known.clear(),
        }
    }

    fn to_be_stored(&self) -> Vec<Versioned<Import>> {
        let known = self.0.lock();
        let imports = known.values().map(|known| &known.import);
        let storing =
            |import: &&Versioned<Import>| matches!(import.value.state, ImportState::Storing { .. });
        imports.filter(storing).cloned().collect()
    }
}

/// Stores an imported release, and the import's new state.
async fn settle(store: &Store, known: &Snapshot, import: Versioned<Import>) {
    let Versioned { value, revision } = import;
    let name = format!("{}@{}", value.module, value.version);
    let mut unused = None;
    let state = match put_into_catalog(store, known, &value, revision).await {
        Ok((packages, document)) => {
            info!(release = name, packages, "imported into the catalog");
            unused = document;
            ImportState::Success { packages }
        }
        Err(Unsettled::Later(error)) => {
            warn!(release = name, %error, "can't store an import in the catalog yet; retrying");
            return;
        }
        Err(Unsettled::Gone(problem)) => {
            warn!(release = name, %problem, "the result of an import is gone; importing again");
            ImportState::New
        }
        Err(Unsettled::Never(error)) => ImportState::Failed {
            message: format!("{error:#}"),
        },
    };
    match store.catalog.write_import(value.at(state), revision).await {
        // Not before: an instance that finds the result of an open import gone starts the import again.
        Ok(Written::Won(_)) => {
            if let Some(unused) = unused {
                remove_document(store, &unused).await;
            }
        }
        Ok(Written::Lost) => debug!(release = name, "another instance was first"),
        Err(error) => warn!(release = name, %error, "can't store the state of an import"),
    }
}

enum Unsettled {
    /// A retry may succeed.
    Later(StoreError),
    /// The store lost the builder's result.
    Gone(String),
    /// The builder's result isn't a valid release.
    Never(anyhow::Error),
}

/// Returns the number of packages, and the import's document if the catalog doesn't need it.
async fn put_into_catalog(
    store: &Store,
    known: &Snapshot,
    import: &Import,
    revision: Revision,
) -> Result<(u32, Option<String>), Unsettled> {
    let ImportState::Storing { document: name } = &import.state else {
        return Err(Unsettled::Never(anyhow::anyhow!(
            "the import has no result to store"
        )));
    };
    let bytes = match store.documents.bytes(name, LARGEST_DOCUMENT).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(Unsettled::Gone(format!("the object `{name}` is gone"))),
        Err(error @ StoreError::Lost(_)) => return Err(Unsettled::Gone(error.to_string())),
        Err(error @ StoreError::Corrupt { .. }) => return Err(Unsettled::Never(error.into())),
        Err(error) => return Err(Unsettled::Later(error)),
    };
    let document = checked(import, &bytes).map_err(Unsettled::Never)?;
    let mut release = document.release;
    let packages = u32::try_from(release.packages.len()).unwrap_or(u32::MAX);
    release.document = Some(name.clone());
    let unused = if import.only.is_empty() {
        replace(store, known, release, revision).await?;
        None
    } else {
        add(store, known, release, revision).await?
    };
    let work = store
        .catalog
        .forget_import_work(&import.module, &import.version);
    work.await.map_err(Unsettled::Later)?;
    Ok((packages, unused))
}

/// Puts a whole release into the catalog.
async fn replace(
    store: &Store,
    known: &Snapshot,
    mut release: Release,
    revision: Revision,
) -> Result<(), Unsettled> {
    carry_over(&mut release, known);
    let used: Vec<String> = release.documents().cloned().collect();
    let before = store.catalog.store(release, revision).await;
    let before = before.map_err(Unsettled::Later)?;
    for old in before.iter().flat_map(Release::documents) {
        if !used.contains(old) {
            remove_document(store, old).await;
        }
    }
    Ok(())
}

/// Adds packages that a release lacked. Returns the document if it tells nothing of them.
async fn add(
    store: &Store,
    known: &Snapshot,
    mut found: Release,
    revision: Revision,
) -> Result<Option<String>, Unsettled> {
    describe(&mut found, known);
    let unused = found.document.take_if(|_| found.packages.is_empty());
    let name = (&found.module, &found.version);
    let added = store
        .catalog
        .amend(name, revision, |release| release.add(found.clone()));
    if !added.await.map_err(Unsettled::Later)? {
        let problem = "the release isn't in the catalog any more";
        return Err(Unsettled::Never(anyhow::anyhow!(problem)));
    }
    Ok(unused)
}

async fn remove_document(store: &Store, name: &str) {
    if let Err(error) = store.documents.remove(name).await {
        warn!(name, %error, "can't remove a document that isn't needed any more");
    }
}

/// Keeps the title and descriptions that people wrote for earlier releases of the module, the platforms on which this
/// version is known to compile, and its packages that couldn't be tried this time.
fn carry_over(release: &mut Release, known: &Snapshot) {
    if let Some(same) = known.release(&release.module, &release.version) {
        release.keep_platforms(same);
        release.keep_unfetched(same);
    }
    describe(release, known);
}

/// Takes the title and descriptions that people wrote for earlier releases of the module.
fn describe(release: &mut Release, known: &Snapshot) {
    let earlier: Vec<_> = known
        .all()
        .filter(|other| other.module == release.module)
        .collect();
    if let Some(newest) = earlier.first() {
        release.title.clone_from(&newest.title);
    }
    for package in &mut release.packages {
        let mut others = earlier.iter();
        if let Some(other) = others.find_map(|other| other.package(&package.path)) {
            package.description.clone_from(&other.description);
        }
    }
}

/// Parses a builder's result, and checks that it is of the requested release.
fn checked(import: &Import, bytes: &[u8]) -> anyhow::Result<ReleaseDocument> {
    let document: ReleaseDocument =
        serde_json::from_slice(bytes).context("the builder's result can't be read")?;
    let release = &document.release;
    ensure!(
        (&release.module, &release.version) == (&import.module, &import.version),
        "the builder imported another release: {} {}",
        release.module,
        release.version
    );
    ensure!(
        !release.packages.is_empty() || !import.only.is_empty(),
        "the release has no packages that can be built{}",
        why_none(release)
    );
    for package in &release.packages {
        ensure!(
            release.module.contains(&package.path),
            "the package {} isn't in this module",
            package.path
        );
    }
    for driver in &release.drivers {
        let path = &driver.package.path;
        ensure!(
            driver.module.contains(path) && !release.module.contains(path),
            "the driver {path} isn't in its module"
        );
        driver.version.check_for(&driver.module)?;
    }
    Ok(document)
}

/// One of the reasons why a release has no packages.
fn why_none(release: &Release) -> String {
    let unfetched = release.unfetched.values().map(|why| &why.reason);
    let mut reasons = unfetched.chain(release.excluded.values());
    reasons
        .next()
        .map_or_else(String::new, |why| format!(": {why}"))
}
