//! Imports into the catalog: one at a time on each builder, at a lower priority than its builds.
//!
//! A claim is a revision-checked write of this builder's name. If its builder is gone, another one claims the import.
//! The builder with the claim leads: it makes the plan, and the release in the end. Packages are claimed one by one, by
//! it and by all other idle builders, and their results are stored at once, so that an import continues where it was.
//! The release goes into the `catalog-docs` bucket, from which a service adds it to the catalog.
//!
//! *run*: an import from its claim to its end · *planning*: its plan · *packages*: the work on packages · *board*: which
//! package is next · *idle*: builds first · *effort*: what its builds may use.

mod alive;
mod board;
mod claim;
mod effort;
mod idle;
mod limits;
mod packages;
mod planning;
mod progress;
mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::info;
use wombat_model::{
    BuilderId, Presence,
    catalog::{Import, ImportState},
};
use wombat_store::{Revision, Versioned, WatchEvent};

use super::contained::ContainedTasks;
use crate::worker::Worker;
use limits::PATIENCE;

/// The known imports, and the builders that are alive.
#[derive(Debug, Default)]
pub(crate) struct ImportDesk {
    imports: BTreeMap<String, Versioned<Import>>,
    alive: watch::Sender<Arc<BTreeSet<BuilderId>>>,
    knows_imports: bool,
    knows_builders: bool,
}

/// Help with an import that another builder leads.
struct Help {
    import: Import,
    enough: CancellationToken,
}

impl ImportDesk {
    /// Returns after the builder stops claiming, once its current import is given back.
    pub(crate) async fn run(worker: Arc<Worker>) {
        let Some(host) = worker.runs_binaries_for() else {
            info!("this builder does no imports: they need a sandbox with namespaces");
            return worker.stop.cancelled().await;
        };
        let mut desk = Self::default();
        let mut imports = worker.store.catalog.watch_imports();
        let mut builders = worker.store.builders.watch();
        let mut work = ContainedTasks::default();
        let mut help: Option<Help> = None;
        // When the next import may be claimed. Heartbeats of other builders don't postpone it.
        let mut due: Option<(Revision, Instant)> = None;
        // When this builder may help again.
        let mut rested = Instant::now();
        loop {
            let next = desk.next(&worker.builder).cloned();
            let wanting = desk.wanting_help(&worker.builder);
            if let Some(help) = &help
                && (next.is_some() || wanting.as_ref() != Some(&help.import))
            {
                help.enough.cancel();
            }
            let is_free = work.is_empty();
            let next = next.filter(|_| is_free);
            let wanting = wanting.filter(|_| is_free && next.is_none());
            due = next.as_ref().map(|next| match due {
                Some(due) if due.0 == next.revision => due,
                Some(_) | None => (next.revision, Instant::now() + patience(&next.value)),
            });
            let at = due.map_or_else(Instant::now, |(_, at)| at);
            tokio::select! {
                () = worker.stop.cancelled() => break,
                event = imports.next() => desk.note_import(event),
                event = builders.next() => desk.note_builder(event),
                Some(()) = work.join_next() => if help.take().is_some() {
                    rested = Instant::now() + PATIENCE;
                },
                () = sleep_until(at), if next.is_some() => if let Some(next) = next {
                    let import = run::import(Arc::clone(&worker), host, next, desk.alive.subscribe());
                    work.spawn("an import", import);
                },
                () = sleep_until(rested), if wanting.is_some() => if let Some(import) = wanting {
                    let enough = CancellationToken::new();
                    let alive = desk.alive.subscribe();
                    let helping = run::help(
                        Arc::clone(&worker),
                        host,
                        import.clone(),
                        alive,
                        enough.clone(),
                    );
                    work.spawn("help with an import", helping);
                    help = Some(Help { import, enough });
                }
            }
        }
        while work.join_next().await.is_some() {}
    }

    fn note_import(&mut self, event: WatchEvent<Import>) {
        match event {
            WatchEvent::Value { key, record, .. } => drop(self.imports.insert(key, record)),
            WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                self.imports.remove(&key);
            }
            WatchEvent::Ready => self.knows_imports = true,
            WatchEvent::Reset => {
                self.imports.clear();
                self.knows_imports = false;
            }
        }
    }

    fn note_builder(&mut self, event: WatchEvent<Presence>) {
        let alive = &self.alive;
        let change = |change: &dyn Fn(&mut BTreeSet<BuilderId>) -> bool| {
            alive.send_if_modified(|alive| change(Arc::make_mut(alive)));
        };
        match event {
            WatchEvent::Value { record, .. } => {
                change(&|alive| alive.insert(record.value.builder.clone()));
            }
            WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                change(&|alive| {
                    let before = alive.len();
                    alive.retain(|builder| builder.as_str() != key);
                    alive.len() < before
                });
            }
            WatchEvent::Ready => self.knows_builders = true,
            WatchEvent::Reset => {
                self.alive.send_replace(Arc::default());
                self.knows_builders = false;
            }
        }
    }

    /// The oldest import that no builder does. An import with this builder's own name is left over if none runs here:
    /// its end couldn't be written, or it is from before a restart.
    fn next(&self, own: &BuilderId) -> Option<&Versioned<Import>> {
        let alive = self.alive.borrow();
        if !self.knows_imports || !self.knows_builders || !alive.contains(own) {
            return None;
        }
        let free = self
            .imports
            .values()
            .filter(|import| match &import.value.state {
                ImportState::New => true,
                ImportState::Importing { builder, .. } => {
                    builder == own || !alive.contains(builder)
                }
                ImportState::Storing { .. }
                | ImportState::Success { .. }
                | ImportState::Failed { .. } => false,
            });
        free.min_by_key(|import| import.value.requested)
    }

    /// The oldest import with packages to take, which another builder leads. Without its state, which changes with each
    /// package.
    fn wanting_help(&self, own: &BuilderId) -> Option<Import> {
        let alive = self.alive.borrow();
        let led = self
            .imports
            .values()
            .filter(|import| match &import.value.state {
                ImportState::Importing {
                    builder,
                    done,
                    of,
                    shared,
                    ..
                } => *shared && done < of && builder != own && alive.contains(builder),
                ImportState::New
                | ImportState::Storing { .. }
                | ImportState::Success { .. }
                | ImportState::Failed { .. } => false,
            });
        let oldest = led.min_by_key(|import| import.value.requested)?;
        Some(oldest.value.at(ImportState::New))
    }
}

/// A builder with a late heartbeat may still be alive.
const fn patience(import: &Import) -> Duration {
    match import.state {
        ImportState::Importing { .. } => PATIENCE,
        ImportState::New
        | ImportState::Storing { .. }
        | ImportState::Success { .. }
        | ImportState::Failed { .. } => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn desk(imports: &[(&str, ImportState)]) -> ImportDesk {
        let requested = datetime!(2026-01-02 03:04:05 UTC);
        let versioned = |(version, state): &(&str, ImportState)| {
            let (module, version) = ("a.b/c".parse().unwrap(), version.parse().unwrap());
            let value = Import::new(module, version, Vec::new(), requested).at(state.clone());
            let key = value.version.to_string();
            (
                key,
                Versioned {
                    value,
                    revision: Revision::new(1),
                },
            )
        };
        ImportDesk {
            imports: imports.iter().map(versioned).collect(),
            alive: watch::Sender::new(Arc::new(
                ["me", "other"].map(|it| it.parse().unwrap()).into(),
            )),
            knows_imports: true,
            knows_builders: true,
        }
    }

    #[test]
    fn what_no_builder_is_at_is_next_and_what_a_gone_builder_was_at() {
        let me = "me".parse().unwrap();
        let by = |builder: &str| ImportState::Importing {
            builder: builder.parse().unwrap(),
            done: 1,
            of: 2,
            seconds_left: None,
            shared: true,
        };
        let over = ImportState::Success { packages: 1 };
        let of = |desk: &ImportDesk| desk.next(&me).map(|it| it.value.version.to_string());
        assert_eq!(
            of(&desk(&[("v1.0.0", over), ("v1.0.1", by("other"))])),
            None
        );
        let waiting = desk(&[("v1.0.1", by("other")), ("v1.0.2", ImportState::New)]);
        assert_eq!(of(&waiting).as_deref(), Some("v1.0.2"));
        let lost = desk(&[("v1.0.1", by("gone"))]);
        assert_eq!(of(&lost).as_deref(), Some("v1.0.1"));
        let own = desk(&[("v1.0.1", by("me"))]);
        assert_eq!(of(&own).as_deref(), Some("v1.0.1"));
        let unknown = ImportDesk {
            knows_builders: false,
            ..lost
        };
        assert_eq!(of(&unknown), None);
    }

    #[test]
    fn help_is_wanted_by_builders_that_are_alive_and_share_their_work() {
        let me = "me".parse().unwrap();
        let wanting = |builder: &str, done, shared| {
            let state = ImportState::Importing {
                builder: builder.parse().unwrap(),
                done,
                of: 2,
                seconds_left: None,
                shared,
            };
            desk(&[("v1.0.1", state)]).wanting_help(&me).is_some()
        };
        assert!(wanting("other", 1, true));
        assert!(!wanting("other", 1, false), "a builder of version 0.1.0");
        assert!(!wanting("other", 2, true), "all packages are done");
        assert!(!wanting("gone", 1, true));
        assert!(!wanting("me", 1, true));
    }
}
