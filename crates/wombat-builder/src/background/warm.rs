//! Compiles ahead while no build waits: the packages of every binary, or all packages of the catalog, for the platforms
//! that clients request. It stops at once for a requested build, and skips what the fleet's cache has already.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sha2::Digest as _;
use tokio::time::Instant;
use tracing::{debug, info};
use wombat_go::BuildError;
use wombat_model::{
    BuildKey, BuildSpec, ImportPath, ModulePath, ModuleVersion, Package, Target,
    catalog::{CatalogPackage, DefaultReleases, GoReleases, Release},
    names::{BASE_MODULE, BASE_PACKAGES},
};
use wombat_store::WatchEvent;

use crate::{args::Warm, disk::Disk, worker::Worker};

/// Time without a build after which the builder counts as idle.
const IDLE: Duration = Duration::from_secs(3);
/// How often to check for more work once all is done.
const LOOK: Duration = Duration::from_secs(30);

/// Compiles ahead.
#[derive(Debug)]
pub(crate) struct WarmUp {
    worker: Arc<Worker>,
    what: Warm,
    disk: Arc<Disk>,
    /// The catalog's releases.
    releases: BTreeMap<(ModulePath, ModuleVersion), Release>,
    /// The default releases of modules, as far as they are known.
    defaults: DefaultReleases,
    /// The Go releases on offer, once they are known.
    go: Option<GoReleases>,
    done: HashSet<BuildKey>,
}

impl WarmUp {
    pub(crate) fn new(worker: Arc<Worker>, what: Warm, disk: Arc<Disk>) -> Self {
        Self {
            worker,
            what,
            disk,
            releases: BTreeMap::new(),
            defaults: DefaultReleases::default(),
            go: None,
            done: HashSet::new(),
        }
    }

    /// Returns after the builder stops claiming, once no compiler of this work runs.
    pub(crate) async fn run(mut self) {
        let mut catalog = self.worker.store.catalog.watch();
        let mut go = self.worker.store.catalog.watch_go_releases();
        let mut defaults = self.worker.store.catalog.watch_default_releases();
        let stop = self.worker.stop.clone();
        loop {
            let next = self.next();
            tokio::select! {
                () = stop.cancelled() => return,
                event = catalog.next() => match event {
                    WatchEvent::Value { record, .. } => {
                        let release = record.value;
                        let name = (release.module.clone(), release.version.clone());
                        self.releases.insert(name, release);
                    }
                    WatchEvent::Removed { .. }
                    | WatchEvent::Unreadable { .. }
                    | WatchEvent::Ready => {}
                    WatchEvent::Reset => self.releases.clear(),
                },
                event = go.next() => match event {
                    WatchEvent::Value { record, .. } => self.go = Some(record.value),
                    WatchEvent::Ready => drop(self.go.get_or_insert_default()),
                    WatchEvent::Removed { .. }
                    | WatchEvent::Unreadable { .. }
                    | WatchEvent::Reset => {}
                },
                event = defaults.next() => match event {
                    WatchEvent::Value { record, .. } => self.defaults = record.value,
                    WatchEvent::Ready
                    | WatchEvent::Removed { .. }
                    | WatchEvent::Unreadable { .. }
                    | WatchEvent::Reset => {}
                },
                () = self.until_idle(), if next.is_some() => if let Some(spec) = next {
                    Box::pin(self.compile(spec)).await;
                },
                () = tokio::time::sleep(LOOK), if next.is_none() => {}
            }
        }
    }

    /// Resolves when the builder is idle.
    async fn until_idle(&self) {
        let mut busy = self.worker.busy.subscribe();
        loop {
            // Never fails: the sender lives as long as the worker.
            drop(busy.wait_for(|count| *count == 0).await);
            tokio::select! {
                () = tokio::time::sleep(IDLE) => return,
                _ = busy.changed() => {}
            }
        }
    }

    async fn compile(&mut self, spec: BuildSpec) {
        let worker = Arc::clone(&self.worker);
        let key = spec.key();
        if !self.disk.has_room().await {
            drop(tokio::time::timeout(LOOK, worker.stop.cancelled()).await);
            return;
        }
        if worker.workshop.is_shared(&spec).await {
            self.done.insert(key);
            return;
        }
        let scope = worker.idle_scope();
        let mut busy = worker.busy.subscribe();
        let begun = Instant::now();
        let building = worker.workshop.build(&spec, &scope);
        tokio::pin!(building);
        let built = tokio::select! {
            built = &mut building => Some(built),
            // An error means that the worker is gone, which is a reason to stop, too.
            () = async { drop(busy.wait_for(|count| *count > 0).await) } => None,
            () = worker.stop.cancelled() => None,
        };
        let built = if let Some(built) = built {
            built
        } else {
            scope.stop.cancel();
            building.await
        };
        match built {
            Ok(_) => {
                info!(target = %spec.target().platform(), packages = spec.packages().len(), elapsed = ?begun.elapsed(), "compiled ahead");
                self.done.insert(key);
            }
            Err(BuildError::Stopped) => debug!("stopped compiling ahead for a build"),
            // It isn't retried; a client that requests it gets the reason.
            Err(BuildError::Failed(failure)) => {
                debug!(message = failure.message, "compiling ahead failed");
                self.done.insert(key);
            }
        }
    }

    /// What to compile next.
    fn next(&self) -> Option<BuildSpec> {
        let go = self.go.as_ref()?;
        let mut newest: BTreeMap<&ModulePath, &Release> = self
            .releases
            .iter()
            .map(|((module, _), release)| (module, release))
            .collect();
        // Clients get the default releases.
        for (module, version) in &self.defaults.modules {
            if let Some(release) = self.releases.get(&(module.clone(), version.clone())) {
                newest.insert(&release.module, release);
            }
        }
        // Releases that build on the base come first: most clients want them.
        let mut newest: Vec<&Release> = newest.into_values().collect();
        newest.sort_by_key(|release| release.module.as_str() == BASE_MODULE);
        let targets = self.worker.requested.most_requested_first();
        let packages = |release: &'_ Release, target: Target| -> Vec<ImportPath> {
            match self.what {
                Warm::Off | Warm::Base => Vec::new(),
                Warm::Catalog => self.in_own_order(release, target),
            }
        };
        targets.iter().find_map(|target| {
            newest.iter().find_map(|release| {
                let single = packages(release, *target).into_iter().map(Some);
                std::iter::once(None)
                    .chain(single)
                    .filter_map(|package| spec(release, go, package.as_ref(), *target))
                    .find(|spec| !self.done.contains(&spec.key()))
            })
        })
    }

    /// The packages that can be built, in a different order on each builder, so that builders don't compile the same at
    /// the same time.
    fn in_own_order(&self, release: &Release, target: Target) -> Vec<ImportPath> {
        let platform = target.platform();
        let possible = |package: &&CatalogPackage| package.emptiness(platform).is_none();
        let mut paths: Vec<ImportPath> = release
            .packages
            .iter()
            .filter(possible)
            .map(|package| package.path.clone())
            .collect();
        let builder = &self.worker.builder;
        paths.sort_by_cached_key(|path| sha2::Sha256::digest(format!("{builder} {path}")));
        paths
    }
}

/// The base, and one package if given, in the graph of a release, with the Go that a request gets by default. `None` if
/// the release doesn't build on the base.
fn spec(
    release: &Release,
    go: &GoReleases,
    package: Option<&ImportPath>,
    target: Target,
) -> Option<BuildSpec> {
    let base: ModulePath = BASE_MODULE.parse().ok()?;
    let mut modules = BTreeMap::from([(release.module.clone(), release.version.clone())]);
    if release.module != base {
        modules.insert(base.clone(), release.requires.get(&base)?.clone());
    }
    let mut packages = BTreeMap::new();
    for path in BASE_PACKAGES {
        let package = Package {
            module: base.clone(),
            base: true,
        };
        packages.insert(format!("{BASE_MODULE}/{path}").parse().ok()?, package);
    }
    if let Some(path) = package {
        packages.entry(path.clone()).or_insert_with(|| Package {
            module: release.module.clone(),
            base: false,
        });
    }
    let go = *go.offered(&[release]).first()?;
    BuildSpec::new(target, go, packages, modules, release.module.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(platform: &str) -> Target {
        Target::new(platform.parse().unwrap(), None).unwrap()
    }

    #[test]
    fn a_package_is_compiled_on_the_base_that_its_release_asks_for() {
        let connect = "github.com/redpanda-data/connect/v4";
        let release = Release {
            module: connect.parse().unwrap(),
            version: "v4.105.0".parse().unwrap(),
            title: "Redpanda Connect".into(),
            go_versions: vec!["1.26.8".parse().unwrap()],
            lowest_go: None,
            requires: [(BASE_MODULE.parse().unwrap(), "v4.77.0".parse().unwrap())].into(),
            component_root: "public/components".into(),
            packages: Vec::new(),
            excluded: BTreeMap::new(),
            unfetched: BTreeMap::new(),
            base_bytes: None,
            shared: Vec::new(),
            drivers: Vec::new(),
            document: None,
            added_documents: Vec::new(),
            generation: 0,
        };
        let nats = format!("{connect}/public/components/nats").parse().unwrap();
        let mut go = GoReleases::default();
        let with = spec(&release, &go, Some(&nats), target("linux/amd64")).unwrap();
        assert_eq!(with.packages().len(), 3);
        assert_eq!(with.graph_version().as_str(), "v4.105.0");
        // The key of the same build requested through the service.
        let hash = "3fa6086a643d";
        assert_eq!(with.key().hash().short(), hash);
        let alone = spec(&release, &go, None, target("linux/amd64")).unwrap();
        assert_eq!(alone.packages().len(), 2);

        let sum = "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=";
        let (newer, platform) = ("1.26.11".parse().unwrap(), "linux/amd64".parse().unwrap());
        go.add(newer, platform, sum.parse().unwrap());
        let renewed = spec(&release, &go, None, target("linux/amd64")).unwrap();
        assert_eq!(renewed.go(), newer);
    }
}
