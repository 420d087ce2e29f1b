//! Compiles ahead while nothing waits: what is in every binary, or every package of the catalog, for the platforms that
//! people ask for. It yields at once to a real build, and leaves alone what the fleet has already.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sha2::Digest as _;
use tokio::time::Instant;
use tracing::{debug, info};
use wombat_model::{
    BuildKey, BuildSpec, ImportPath, ModulePath, ModuleVersion, Package, Target,
    catalog::{CatalogPackage, Release},
    names::{BASE_MODULE, BASE_PACKAGES},
};
use wombat_store::WatchEvent;

use crate::{args::Warm, disk::Disk, go::BuildError, worker::Worker};

/// What is compiled for as long as nobody has asked for anything.
const USUAL_PLATFORM: &str = "linux/amd64";
/// How long nothing has to happen before it counts as idle.
const IDLE: Duration = Duration::from_secs(3);
/// How often it looks for more to do once all is done.
const LOOK: Duration = Duration::from_secs(30);

/// Targets of builds that were asked for, however many they were.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskedTargets(Arc<Mutex<Vec<(Target, u64)>>>);

impl AskedTargets {
    /// Somebody asked for a build for this target.
    pub(crate) fn note(&self, target: Target) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|(known, _)| *known == target) {
            Some((_, count)) => *count += 1,
            None => all.push((target, 1)),
        }
    }

    /// The most asked for first; the usual one if there is none.
    fn most_asked_first(&self) -> Vec<Target> {
        let mut all = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let usual = USUAL_PLATFORM.parse().ok();
        let usual = usual.and_then(|platform| Target::new(platform, None).ok());
        if all.is_empty() {
            all.extend(usual.map(|target| (target, 0)));
        }
        all.into_iter().map(|(target, _)| target).collect()
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct WarmUp {
    worker: Arc<Worker>,
    what: Warm,
    disk: Arc<Disk>,
    /// By module and version.
    releases: BTreeMap<(ModulePath, ModuleVersion), Release>,
    done: HashSet<BuildKey>,
}

impl WarmUp {
    pub(crate) fn new(worker: Arc<Worker>, what: Warm, disk: Arc<Disk>) -> Self {
        Self {
            worker,
            what,
            disk,
            releases: BTreeMap::new(),
            done: HashSet::new(),
        }
    }

    /// Ends when nothing new is to be begun, once nothing of it runs any more.
    pub(crate) async fn run(mut self) {
        let mut catalog = self.worker.store.catalog.watch();
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
                () = self.until_idle(), if next.is_some() => if let Some(spec) = next {
                    Box::pin(self.compile(spec)).await;
                },
                () = tokio::time::sleep(LOOK), if next.is_none() => {}
            }
        }
    }

    /// Resolves when nothing has happened for a while.
    async fn until_idle(&self) {
        let mut busy = self.worker.busy.subscribe();
        loop {
            // The sender lives as long as the worker does.
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
        if !self.disk.has_room() {
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
            // Whether it is so, or the worker is no more: both mean to stop.
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
            Err(BuildError::Stopped) => debug!("compiling ahead makes way for a build"),
            // Its turn is over: whoever asks for it is told why.
            Err(BuildError::Failed(failure)) => {
                debug!(message = failure.message, "can't be compiled ahead");
                self.done.insert(key);
            }
        }
    }

    /// What to compile next.
    fn next(&self) -> Option<BuildSpec> {
        let newest: BTreeMap<&ModulePath, &Release> = self
            .releases
            .iter()
            .map(|((module, _), release)| (module, release))
            .collect();
        // Releases on top of the base come first: most people want them.
        let mut newest: Vec<&Release> = newest.into_values().collect();
        newest.sort_by_key(|release| release.module.as_str() == BASE_MODULE);
        let targets = self.worker.asked.most_asked_first();
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
                    .filter_map(|package| spec(release, package.as_ref(), *target))
                    .find(|spec| !self.done.contains(&spec.key()))
            })
        })
    }

    /// The packages that can be built, in an order that is another one on each builder, so that not all do the same.
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

/// The base, and one package if any, in the graph of a release. `None`: the release isn't built on the base.
fn spec(release: &Release, package: Option<&ImportPath>, target: Target) -> Option<BuildSpec> {
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
    let go = *release.go_versions.first()?;
    BuildSpec::new(target, go, packages, modules, release.module.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(platform: &str) -> Target {
        Target::new(platform.parse().unwrap(), None).unwrap()
    }

    #[test]
    fn what_is_asked_for_most_comes_first() {
        let asked = AskedTargets::default();
        assert_eq!(asked.most_asked_first(), [target(USUAL_PLATFORM)]);
        for platform in ["linux/arm64", "darwin/arm64", "darwin/arm64"] {
            asked.note(target(platform));
        }
        let first = [target("darwin/arm64"), target("linux/arm64")];
        assert_eq!(asked.most_asked_first(), first);
    }

    #[test]
    fn a_package_is_compiled_on_the_base_that_its_release_asks_for() {
        let connect = "github.com/redpanda-data/connect/v4";
        let release = Release {
            module: connect.parse().unwrap(),
            version: "v4.105.0".parse().unwrap(),
            title: "Redpanda Connect".into(),
            go_versions: vec!["1.26.8".parse().unwrap()],
            requires: [(BASE_MODULE.parse().unwrap(), "v4.77.0".parse().unwrap())].into(),
            component_root: "public/components".into(),
            packages: Vec::new(),
            excluded: BTreeMap::new(),
            base_bytes: None,
            document: None,
            generation: 0,
        };
        let nats = format!("{connect}/public/components/nats").parse().unwrap();
        let with = spec(&release, Some(&nats), target("linux/amd64")).unwrap();
        assert_eq!(with.packages().len(), 3);
        assert_eq!(with.graph_version().as_str(), "v4.105.0");
        // As the service would have asked for it.
        let hash = "a76d2a6549fc";
        assert_eq!(with.key().hash().short(), hash);
        let alone = spec(&release, None, target("linux/amd64")).unwrap();
        assert_eq!(alone.packages().len(), 2);
    }
}
