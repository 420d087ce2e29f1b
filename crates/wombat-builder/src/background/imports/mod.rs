//! Imports into the catalog: one at a time on each builder, at a lower priority than its builds.
//!
//! A claim is a revision-checked write of this builder's name. If its builder is gone, another one claims the import.
//! The result goes into the `catalog-docs` bucket, from which a service adds it to the catalog. [`run`] does the work.

mod claim;
mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};
use tracing::info;
use wombat_model::{
    BuilderId, Presence,
    catalog::{Import, ImportState},
};
use wombat_store::{Revision, Versioned, WatchEvent};

use super::contained::contained;
use crate::worker::Worker;

/// Time that a builder may be missing before another one takes over its imports.
const PATIENCE: Duration = Duration::from_secs(5);

/// The known imports, and the builders that are alive.
#[derive(Debug, Default)]
pub(crate) struct ImportDesk {
    imports: BTreeMap<String, Versioned<Import>>,
    alive: BTreeSet<BuilderId>,
    knows_imports: bool,
    knows_builders: bool,
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
        let mut work = JoinSet::new();
        // When the next import may be claimed. Heartbeats of other builders don't postpone it.
        let mut due: Option<(Revision, Instant)> = None;
        loop {
            let next = desk.next(&worker.builder).cloned();
            let next = next.filter(|_| work.is_empty());
            due = next.as_ref().map(|next| match due {
                Some(due) if due.0 == next.revision => due,
                Some(_) | None => (next.revision, Instant::now() + patience(&next.value)),
            });
            let at = due.map_or_else(Instant::now, |(_, at)| at);
            tokio::select! {
                () = worker.stop.cancelled() => break,
                event = imports.next() => desk.note_import(event),
                event = builders.next() => desk.note_builder(event),
                Some(_) = work.join_next() => {}
                () = tokio::time::sleep_until(at), if next.is_some() => if let Some(next) = next {
                    work.spawn(contained("an import", run::import(Arc::clone(&worker), host, next)));
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
        match event {
            WatchEvent::Value { record, .. } => drop(self.alive.insert(record.value.builder)),
            WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                self.alive.retain(|builder| builder.as_str() != key);
            }
            WatchEvent::Ready => self.knows_builders = true,
            WatchEvent::Reset => {
                self.alive.clear();
                self.knows_builders = false;
            }
        }
    }

    /// The oldest import that no builder does. An import with this builder's own name is left over if none runs here:
    /// its end couldn't be written, or it is from before a restart.
    fn next(&self, own: &BuilderId) -> Option<&Versioned<Import>> {
        if !self.knows_imports || !self.knows_builders || !self.alive.contains(own) {
            return None;
        }
        let free = self
            .imports
            .values()
            .filter(|import| match &import.value.state {
                ImportState::New => true,
                ImportState::Importing { builder, .. } => {
                    builder == own || !self.alive.contains(builder)
                }
                ImportState::Storing { .. }
                | ImportState::Success { .. }
                | ImportState::Failed { .. } => false,
            });
        free.min_by_key(|import| import.value.requested)
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
            alive: ["me".parse().unwrap(), "other".parse().unwrap()].into(),
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
}
