//! Which builds' results may be shared: those whose modules are all in the catalog.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::sync::watch;
use tracing::warn;
use wombat_model::{BuildSpec, ModulePath, ModuleVersion};
use wombat_store::{Catalog, Followers, WatchEvent};

use super::limit::Origin;

/// Time limit for reading the catalog at start; until then, nothing is trusted.
const FIRST_LOOK: Duration = Duration::from_secs(5);

type Modules = BTreeSet<(ModulePath, ModuleVersion)>;

/// Which modules are trusted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// All: the results aren't shared.
    Alone,
    /// The current modules of the catalog.
    Catalog(Arc<RwLock<Modules>>),
}

impl Trust {
    /// Whether all modules of this build are trusted.
    pub fn covers(&self, spec: &BuildSpec) -> bool {
        match self {
            Self::Alone => true,
            Self::Catalog(modules) => {
                let modules = modules.read();
                let mut asked = spec.modules().iter();
                asked.all(|(path, version)| modules.contains(&(path.clone(), version.clone())))
            }
        }
    }

    /// How a build is limited.
    pub(super) fn origin(&self, spec: &BuildSpec) -> Origin {
        match self {
            // Without a release, the catalog tells nothing about a module.
            Self::Catalog(modules) if modules.read().is_empty() => Origin::Catalog,
            Self::Alone | Self::Catalog(_) if self.covers(spec) => Origin::Catalog,
            Self::Alone | Self::Catalog(_) => Origin::Elsewhere,
        }
    }

    /// Reads the catalog, and follows its changes with the other followers.
    pub async fn in_catalog(catalog: &Catalog, followers: &Followers) -> Self {
        let modules = Arc::<RwLock<Modules>>::default();
        let (ready, mut is_ready) = watch::channel(false);
        let mut watcher = catalog.watch();
        let (kept, stop) = (Arc::clone(&modules), followers.stop().clone());
        followers.spawn(async move {
            loop {
                let event = tokio::select! {
                    event = watcher.next() => event,
                    () = stop.cancelled() => return,
                };
                let mut modules = kept.write();
                match event {
                    WatchEvent::Value { record, .. } => {
                        let own = |(module, version): (&ModulePath, &ModuleVersion)| {
                            (module.clone(), version.clone())
                        };
                        modules.extend(record.value.modules().map(own));
                    }
                    // A release stays trusted when it is removed from the catalog.
                    WatchEvent::Removed { .. } | WatchEvent::Unreadable { .. } => {}
                    WatchEvent::Ready => drop(ready.send_replace(true)),
                    WatchEvent::Reset => modules.clear(),
                }
            }
        });
        let first = is_ready.wait_for(|ready| *ready);
        if tokio::time::timeout(FIRST_LOOK, first).await.is_err() {
            warn!("can't read the catalog yet; build results aren't shared until then");
        }
        Self::Catalog(modules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::main_file::tests::{BENTHOS, CONNECT, spec};

    #[test]
    fn one_module_from_elsewhere_is_enough_for_no() {
        let nats = format!("{CONNECT}/public/components/nats");
        let pure = format!("{BENTHOS}/public/components/pure");
        let spec = spec(&[&nats, &pure]);
        let module = |path: &str, version: &str| (path.parse().unwrap(), version.parse().unwrap());
        let trust = |modules: &[(ModulePath, ModuleVersion)]| {
            Trust::Catalog(Arc::new(RwLock::new(modules.iter().cloned().collect())))
        };
        let connect = module(CONNECT, "v4.105.0");
        assert!(trust(&[connect.clone(), module(BENTHOS, "v4.77.0")]).covers(&spec));
        assert!(!trust(&[connect.clone(), module(BENTHOS, "v4.78.0")]).covers(&spec));
        assert!(!trust(&[connect]).covers(&spec));
        assert!(Trust::Alone.covers(&spec));
        assert_eq!(trust(&[]).origin(&spec), Origin::Catalog, "it isn't read");
        let other = module(BENTHOS, "v4.77.0");
        assert_eq!(trust(&[other]).origin(&spec), Origin::Elsewhere);
    }
}
