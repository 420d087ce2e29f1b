//! Tries packages again that a release lacks because something that they need couldn't be had: once in an interval, by
//! an import of these packages alone.
//!
//! The interval counts from the server's time of the release's last change, so a new installation doesn't begin with
//! imports, and a host's clock decides nothing. Every instance asks; the first one's request stands.

use std::{collections::BTreeMap, time::Duration};

use time::OffsetDateTime;
use tokio::time::sleep;
use tracing::{info, warn};
use wombat_model::{
    ModulePath, ModuleVersion,
    catalog::{AskedImport, Import, Release},
};
use wombat_store::{Followers, Store, WatchEvent};

/// Longest time between two looks at the server's time.
const LOOK: Duration = Duration::from_mins(1);

type Name = (ModulePath, ModuleVersion);

/// The last request of an import.
#[derive(Clone, Copy, Debug)]
struct Requested {
    at: OffsetDateTime,
    /// Whether the release may bring names of official components.
    allows_known_names: bool,
}

/// The releases that lack something.
#[derive(Debug)]
pub(crate) struct Refetch {
    interval: Duration,
    lacking: BTreeMap<String, (OffsetDateTime, Release)>,
    /// The last request of an import of each release.
    requested: BTreeMap<Name, Requested>,
    knows_releases: bool,
    knows_imports: bool,
}

impl Refetch {
    /// Runs until the followers end; does nothing if the interval is zero.
    pub(crate) fn start(store: &Store, interval: Duration, followers: &Followers) {
        if interval.is_zero() {
            return;
        }
        let refetch = Self {
            interval,
            lacking: BTreeMap::new(),
            requested: BTreeMap::new(),
            knows_releases: false,
            knows_imports: false,
        };
        let (store, stop) = (store.clone(), followers.stop().clone());
        followers.spawn(async move {
            tokio::select! {
                () = refetch.run(&store) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    async fn run(mut self, store: &Store) {
        let mut releases = store.catalog.watch();
        // Not how far they are, which is the builders' word.
        let mut imports = store.catalog.watch_asked_imports();
        loop {
            let wait = self.wait(store.builds.server_time());
            tokio::select! {
                event = releases.next() => self.note_release(event),
                event = imports.next() => self.note_import(event),
                () = sleep(wait.unwrap_or(LOOK)), if wait.is_some() => {
                    for release in self.due(store.builds.server_time()) {
                        self.ask(store, &release).await;
                    }
                }
            }
        }
    }

    fn note_release(&mut self, event: WatchEvent<Release>) {
        match event {
            WatchEvent::Value {
                key,
                record,
                written,
            } => {
                if record.value.unfetched.is_empty() {
                    self.lacking.remove(&key);
                } else {
                    self.lacking.insert(key, (written, record.value));
                }
            }
            WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                self.lacking.remove(&key);
            }
            WatchEvent::Ready => self.knows_releases = true,
            WatchEvent::Reset => {
                self.lacking.clear();
                self.knows_releases = false;
            }
        }
    }

    fn note_import(&mut self, event: WatchEvent<AskedImport>) {
        match event {
            WatchEvent::Value { record, .. } => {
                let import = record.value.import();
                let name = (import.module.clone(), import.version.clone());
                self.note_request(name.clone(), import.requested);
                if let Some(last) = self.requested.get_mut(&name) {
                    last.allows_known_names = import.allow_known_names;
                }
            }
            WatchEvent::Removed { .. } | WatchEvent::Unreadable { .. } => {}
            WatchEvent::Ready => self.knows_imports = true,
            WatchEvent::Reset => {
                self.requested.clear();
                self.knows_imports = false;
            }
        }
    }

    /// The later request stands: an import that is open for long was requested before the last look.
    fn note_request(&mut self, name: Name, at: OffsetDateTime) {
        let last = self.requested.entry(name).or_insert(Requested {
            at,
            allows_known_names: false,
        });
        last.at = at.max(last.at);
    }

    /// When a release is to be tried again.
    fn due_at(&self, (written, release): &(OffsetDateTime, Release)) -> OffsetDateTime {
        let name = (release.module.clone(), release.version.clone());
        let requested = self.requested.get(&name);
        requested.map_or(*written, |requested| (*written).max(requested.at)) + self.interval
    }

    /// Time until the next look; `None` while nothing is to be done.
    fn wait(&self, now: OffsetDateTime) -> Option<Duration> {
        if !self.knows_releases || !self.knows_imports {
            return None;
        }
        let next = self.lacking.values().map(|it| self.due_at(it)).min()?;
        let wait = Duration::try_from(next - now).unwrap_or_default();
        Some(wait.min(LOOK))
    }

    fn due(&self, now: OffsetDateTime) -> Vec<Release> {
        let due = self.lacking.values().filter(|it| self.due_at(it) <= now);
        due.map(|(_, release)| release.clone()).collect()
    }

    /// An import of the packages that a release lacks. It may bring the names that the last import of the release might.
    fn import_of(&self, release: &Release, now: OffsetDateTime) -> Import {
        let Release {
            module,
            version,
            go_versions,
            unfetched,
            ..
        } = release;
        let last = self.requested.get(&(module.clone(), version.clone()));
        Import::new(module.clone(), version.clone(), go_versions.clone(), now)
            .of_only(unfetched.keys().cloned().collect())
            .allowing_known_names(last.is_some_and(|last| last.allows_known_names))
    }

    async fn ask(&mut self, store: &Store, release: &Release) {
        let (module, version) = (&release.module, &release.version);
        let now = store.builds.server_time();
        match store
            .catalog
            .ask_for_import(self.import_of(release, now))
            .await
        {
            Ok(_) => {
                info!(%module, %version, packages = release.unfetched.len(), "trying packages again that couldn't be had");
                // Not the time of the import: it may be an older one that is still open, and would be due again at once.
                self.note_request((module.clone(), version.clone()), now);
            }
            Err(error) => {
                warn!(%module, %version, %error, "can't have packages tried again yet");
                sleep(LOOK).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use wombat_model::catalog::Unfetched;
    use wombat_store::{Revision, Versioned};

    use super::*;
    use crate::fixture::release_with;

    const WRITTEN: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn value<T>(key: &str, value: T) -> WatchEvent<T> {
        WatchEvent::Value {
            key: key.to_owned(),
            record: Versioned {
                value,
                revision: Revision::new(1),
            },
            written: WRITTEN,
        }
    }

    const DAY: time::Duration = time::Duration::days(1);

    fn daily() -> Refetch {
        Refetch {
            interval: Duration::from_hours(24),
            lacking: BTreeMap::new(),
            requested: BTreeMap::new(),
            knows_releases: false,
            knows_imports: false,
        }
    }

    fn lacking() -> Release {
        let mut lacking = release_with("a.b/c", "v1.0.0", &["x"]);
        let why = Unfetched {
            reason: "no".to_owned(),
            dependency: "a.b/d v1.0.0".to_owned(),
            // A host's clock may be wrong.
            tried: WRITTEN + DAY * 1000,
        };
        lacking.unfetched = [("a.b/c/public/components/y".parse().unwrap(), why)].into();
        lacking
    }

    #[test]
    fn a_release_is_tried_again_once_a_day_by_the_clock_of_the_server() {
        let (mut refetch, mut lacking) = (daily(), lacking());
        refetch.note_release(value("lacking", lacking.clone()));
        refetch.note_release(value("whole", release_with("a.b/c", "v1.1.0", &["x"])));
        assert_eq!(refetch.wait(WRITTEN + DAY * 2), None, "not all is known");
        refetch.note_release(WatchEvent::Ready);
        refetch.note_import(WatchEvent::Ready);
        assert!(refetch.due(WRITTEN + DAY / 2).is_empty());
        assert_eq!(refetch.wait(WRITTEN), Some(LOOK));
        assert_eq!(refetch.due(WRITTEN + DAY), [lacking.clone()]);
        assert_eq!(refetch.wait(WRITTEN + DAY), Some(Duration::ZERO));

        // The import that was asked for may fail: a day later it is another one's turn.
        let (module, version) = (lacking.module.clone(), lacking.version.clone());
        let import = Import::new(module, version, Vec::new(), WRITTEN + DAY);
        refetch.note_import(value("import", AskedImport::new(&import)));
        assert!(refetch.due(WRITTEN + DAY).is_empty());
        assert_eq!(refetch.due(WRITTEN + DAY * 2).len(), 1);
        lacking.unfetched.clear();
        refetch.note_release(value("lacking", lacking));
        assert!(refetch.due(WRITTEN + DAY * 9).is_empty());
    }

    #[test]
    fn what_the_last_import_of_a_release_might_bring_the_rest_of_it_may() {
        let (mut refetch, lacking) = (daily(), lacking());
        let is_allowed = |refetch: &Refetch| {
            let import = refetch.import_of(&lacking, WRITTEN);
            assert_eq!(import.only.len(), 1);
            import.allow_known_names
        };
        assert!(!is_allowed(&refetch));
        let (module, version) = (lacking.module.clone(), lacking.version.clone());
        let import = Import::new(module, version, Vec::new(), WRITTEN);
        for allow in [true, false, true] {
            let import = import.clone().allowing_known_names(allow);
            refetch.note_import(value("import", AskedImport::new(&import)));
            assert_eq!(is_allowed(&refetch), allow);
        }
        let name = (lacking.module.clone(), lacking.version.clone());
        refetch.note_request(name, WRITTEN + DAY);
        assert!(is_allowed(&refetch), "its own request changes nothing");
    }

    #[test]
    fn an_import_that_stays_open_is_asked_for_once_in_an_interval() {
        let (mut refetch, lacking) = (daily(), lacking());
        let name = (lacking.module.clone(), lacking.version.clone());
        let (module, version) = name.clone();
        let open = AskedImport::new(&Import::new(module, version, Vec::new(), WRITTEN));
        refetch.note_release(value("lacking", lacking));
        refetch.note_release(WatchEvent::Ready);
        refetch.note_import(value("import", open.clone()));
        refetch.note_import(WatchEvent::Ready);
        let now = WRITTEN + DAY * 5;
        assert_eq!(refetch.due(now).len(), 1);
        refetch.note_request(name, now);
        assert!(refetch.due(now).is_empty());
        // It is told again, with the time of the old request.
        refetch.note_import(value("import", open));
        assert!(refetch.due(now).is_empty());
        assert_eq!(refetch.wait(now), Some(LOOK));
        assert_eq!(refetch.due(now + DAY).len(), 1);
    }
}
