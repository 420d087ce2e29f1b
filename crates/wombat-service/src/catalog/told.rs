//! What the bucket was told to hold, event by event, and the snapshots of that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use time::OffsetDateTime;
use tracing::{info, warn};
use wombat_model::{
    Blocklist, GoVersion, ModulePath, ModuleVersion,
    catalog::{DefaultReleases, GoReleases, Release, ReleaseDocument},
};
use wombat_store::{Revision, Store, WatchEvent};

use super::{
    defaults::Choices,
    documents::{Documented, Documents, LARGEST_DOCUMENT},
    snapshot::{Releases, Snapshot},
};

/// What the bucket holds, as far as it was read.
#[derive(Default)]
pub(super) struct Told {
    releases: BTreeMap<String, Arc<Release>>,
    /// The highest revision of their keys.
    releases_revision: u64,
    /// The same releases as a snapshot has them; made again after one changed.
    sorted: Option<Arc<Releases>>,
    blocklist: Arc<Blocklist>,
    blocklist_revision: u64,
    /// Why the last blocklist can't be read.
    blocklist_problem: Option<Arc<str>>,
    /// What was imported about the releases; those that can't be read yet are missing.
    documents: Documents,
    /// Replaced only if the releases are others, since remembered answers depend on them.
    go: Arc<GoReleases>,
    go_checked: Option<OffsetDateTime>,
    /// The default releases that were reached before.
    defaults: DefaultReleases,
    /// What the operator chose.
    chosen: Choices,
    /// Whether a snapshot would be another one than the last.
    changed: bool,
    /// No snapshot is published before all of it is known.
    knows: Known,
}

/// What was read once.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each kind of key")]
struct Known {
    releases: bool,
    blocked: bool,
    go: bool,
    defaults: bool,
}

impl Told {
    /// Nothing was read yet.
    pub(super) fn new(chosen: Choices) -> Self {
        Self {
            chosen,
            ..Self::default()
        }
    }

    /// Whether it was read once.
    pub(super) fn knows_enough(&self) -> bool {
        self.knows.releases && self.knows.blocked && self.knows.go && self.knows.defaults
    }

    /// Whether it is a new bucket, which has to be filled.
    pub(super) fn note_release(&mut self, event: WatchEvent<Release>) -> bool {
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
                self.knows.releases = true;
                self.changed = true;
            }
            WatchEvent::Reset => {
                self.releases.clear();
                self.releases_revision = 0;
                self.sorted = None;
                self.knows.releases = false;
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

    pub(super) fn note_blocked(&mut self, event: WatchEvent<Blocklist>) {
        match event {
            WatchEvent::Value { record, .. } => {
                self.blocklist_changed(record.value, record.revision);
            }
            WatchEvent::Removed { revision, .. } => {
                self.blocklist_changed(Blocklist::default(), revision);
            }
            WatchEvent::Ready => {
                self.knows.blocked = true;
                if self.blocklist_revision == 0 {
                    // A new bucket has no list.
                    self.blocklist_is_readable();
                }
                self.changed = true;
            }
            // What was blocked before stays blocked.
            WatchEvent::Reset => self.blocklist_revision = 0,
            WatchEvent::Unreadable {
                revision, problem, ..
            } => {
                self.blocklist_problem = Some(problem.into());
                self.blocklist_revision = revision.get();
                self.changed = true;
            }
        }
    }

    fn blocklist_is_readable(&mut self) {
        if self.blocklist_problem.take().is_some() {
            info!("the blocklist can be read again: builds are accepted");
        }
    }

    fn blocklist_changed(&mut self, blocklist: Blocklist, revision: Revision) {
        self.blocklist_is_readable();
        self.blocklist = Arc::new(blocklist);
        self.blocklist_revision = revision.get();
        self.changed = true;
    }

    pub(super) fn note_go(&mut self, event: WatchEvent<GoReleases>) {
        match event {
            WatchEvent::Value { record, .. } => self.go_changed(&record.value),
            WatchEvent::Removed { .. } => self.go_changed(&GoReleases::default()),
            WatchEvent::Ready => {
                self.knows.go = true;
                self.changed = true;
            }
            // What was offered before stays on offer.
            WatchEvent::Reset | WatchEvent::Unreadable { .. } => {}
        }
    }

    fn go_changed(&mut self, list: &GoReleases) {
        self.go_checked = list.checked();
        self.changed = true;
        if list.has_releases_of(&self.go) {
            return;
        }
        if self.knows.go {
            let known: BTreeSet<GoVersion> = self.go.versions().collect();
            let new = list.versions().filter(|version| !known.contains(version));
            let new: Vec<String> = new.map(|version| version.to_string()).collect();
            info!(new = new.join(", "), "the list of Go releases changed");
        }
        self.go = Arc::new(list.clone());
    }

    pub(super) fn note_defaults(&mut self, event: WatchEvent<DefaultReleases>) {
        match event {
            WatchEvent::Value { record, .. } => {
                self.defaults = record.value;
                self.changed = true;
            }
            WatchEvent::Removed { .. } => {
                self.defaults = DefaultReleases::default();
                self.changed = true;
            }
            WatchEvent::Ready => {
                self.knows.defaults = true;
                self.changed = true;
            }
            // What was reached before stays.
            WatchEvent::Reset | WatchEvent::Unreadable { .. } => {}
        }
    }

    /// The default releases of a snapshot, if they aren't noted yet.
    pub(super) fn new_defaults(
        &self,
        snapshot: &Snapshot,
    ) -> Option<BTreeMap<ModulePath, ModuleVersion>> {
        let reached = snapshot.defaults_by_rule(&self.defaults);
        self.defaults.clone().raise_to(&reached).then_some(reached)
    }

    /// Whether documents of releases are still to be read.
    pub(super) fn lacks_documents(&self) -> bool {
        !self.missing_documents().is_empty()
    }

    fn missing_documents(&self) -> Vec<String> {
        let named = self.releases.values();
        let named = named.flat_map(|release| release.documents());
        named
            .filter(|name| !self.documents.contains_key(*name))
            .cloned()
            .collect()
    }

    /// A release is usable without: then less is known of its components.
    pub(super) async fn read_documents(&mut self, store: &Store) {
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
        let releases = self.releases.values();
        let used: BTreeSet<&String> = releases.flat_map(|release| release.documents()).collect();
        if self.documents.len() > used.len() {
            Arc::make_mut(&mut self.documents).retain(|name, _| used.contains(name));
        }
    }

    /// A snapshot, if it would be another one than the last.
    pub(super) fn changed_snapshot(&mut self) -> Option<Snapshot> {
        std::mem::take(&mut self.changed).then(|| self.snapshot())
    }

    fn snapshot(&mut self) -> Snapshot {
        let releases = self.sorted.get_or_insert_with(|| {
            let releases = self.releases.values().cloned();
            Arc::new(Releases::new(releases, self.releases_revision))
        });
        Snapshot::of(Arc::clone(releases))
            .defaulting(&self.defaults, &self.chosen.releases)
            .blocking(Arc::clone(&self.blocklist), self.blocklist_revision)
            .with_blocklist_problem(self.blocklist_problem.clone())
            .documented(Arc::clone(&self.documents))
            .with_go(Arc::clone(&self.go), self.go_checked)
            .preferring_go(self.chosen.go)
    }
}

#[cfg(test)]
mod tests;
