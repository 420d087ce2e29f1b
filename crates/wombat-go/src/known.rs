//! The package lists of earlier builds, so that a new selection of known packages needs no `go list`: the imports of
//! each package, its module, and whether its licence has to be accepted.
//!
//! Kept in memory per scope (graph, target, Go release), and shared by the fleet for modules of the catalog. If a list
//! turns out wrong, the build fails, and is repeated with `go list`.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
};

use futures::StreamExt as _;
use lru::LruCache;
use parking_lot::Mutex;
use tracing::debug;
use wombat_model::{BuildSpec, ImportPath};
use wombat_store::GoCache;

use super::{
    blocking::blocking,
    go_mod::MAIN_MODULE,
    licence,
    main_file::own_imports,
    module_cache::{CachedModule, ModuleCache},
    packages::{ListedPackage, Packages},
};
use wombat_gocache::ListScope;

/// Scopes to keep: a few graphs for a few targets.
const SCOPES: NonZeroUsize = NonZeroUsize::new(24).expect("more than none");
/// Size limit of a decompressed package list; none is as large.
const LARGEST: usize = 64 * 1024 * 1024;
const EFFORT: i32 = 3;

/// Packages of one scope.
#[derive(Debug, Default)]
struct ScopePackages {
    all: HashMap<String, Arc<ListedPackage>>,
    /// Packages whose imports are all known, too, at every depth.
    whole: HashSet<String>,
}

/// The package lists of all scopes.
#[derive(Clone, Debug)]
pub(super) struct KnownPackages {
    scopes: Arc<Mutex<LruCache<ListScope, ScopePackages>>>,
    fleet: Option<GoCache>,
}

impl KnownPackages {
    pub(super) fn new(fleet: Option<GoCache>) -> Self {
        Self {
            scopes: Arc::new(Mutex::new(LruCache::new(SCOPES))),
            fleet,
        }
    }

    /// The packages of the spec's binary, and those that `hook` imports. `None` if not all are known, or a module isn't
    /// on this machine.
    pub(super) async fn packages(
        &self,
        scope: &ListScope,
        spec: &BuildSpec,
        hook: Option<&ImportPath>,
        module_cache: &Path,
    ) -> Option<Packages> {
        let roots = roots(spec, hook);
        let lacking = self.lacking(scope, &roots);
        if !lacking.is_empty() {
            self.ask_fleet(scope, &lacking).await;
        }
        let found = self.assemble(scope, spec, &roots)?;
        let module_cache = module_cache.to_owned();
        blocking(move || with_folders(found, &module_cache).map(Packages::of)).await
    }

    fn lacking(&self, scope: &ListScope, roots: &[String]) -> Vec<String> {
        let mut scopes = self.scopes.lock();
        let known = scopes.get_or_insert_mut(scope.clone(), ScopePackages::default);
        let mut lacking = roots.to_vec();
        lacking.retain(|root| !known.whole.contains(root));
        lacking
    }

    async fn ask_fleet(&self, scope: &ListScope, roots: &[String]) {
        let Some(fleet) = &self.fleet else { return };
        let by_key: HashMap<String, &String> = roots
            .iter()
            .map(|root| (scope.key("packages", root), root))
            .collect();
        let keys: Vec<String> = by_key.keys().cloned().collect();
        let mut answers = std::pin::pin!(fleet.fetch(&keys));
        while let Some(answer) = answers.next().await {
            match answer {
                Ok((key, value)) => {
                    let unpacked = blocking(move || unpack(&value)).await;
                    if let (Some(root), Some(packages)) = (by_key.get(&key), unpacked) {
                        self.remember(scope, root, packages);
                    }
                }
                Err(error) => {
                    debug!(%error, "can't fetch package lists of the fleet");
                    return;
                }
            }
        }
    }

    fn assemble(
        &self,
        scope: &ListScope,
        spec: &BuildSpec,
        roots: &[String],
    ) -> Option<Vec<ListedPackage>> {
        let mut scopes = self.scopes.lock();
        let known = scopes.get(scope)?;
        let mut seen: HashSet<&str> = HashSet::new();
        let mut waiting: Vec<&str> = roots.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        while let Some(path) = waiting.pop() {
            if seen.insert(path) {
                let package = known.all.get(path)?;
                waiting.extend(package.imports());
                found.push(ListedPackage::clone(package));
            }
        }
        let picked = spec.packages().keys().map(ToString::to_string);
        let own = own_imports(spec).chain(["context"]).map(str::to_owned);
        found.push(ListedPackage::importing(MAIN_MODULE, picked.chain(own)));
        Some(found)
    }

    /// Stores a package list, for this machine and, if `share`, for all. Blocks: it reads the packages' files.
    pub(super) fn learn(
        &self,
        scope: &ListScope,
        spec: &BuildSpec,
        hook: Option<&ImportPath>,
        packages: &Packages,
        share: bool,
    ) {
        for root in self.lacking(scope, &roots(spec, hook)) {
            let below = packages.portable(&root, |package| licence::is_marked(package, spec));
            if below.is_empty() || below.iter().any(|package| package.error.is_some()) {
                continue;
            }
            if share && let Some(fleet) = &self.fleet {
                fleet.put_in_background(scope.key("packages", &root), pack(&below));
            }
            self.remember(scope, &root, below);
        }
    }

    fn remember(&self, scope: &ListScope, root: &str, packages: Vec<ListedPackage>) {
        let mut scopes = self.scopes.lock();
        let known = scopes.get_or_insert_mut(scope.clone(), ScopePackages::default);
        for package in packages {
            known
                .all
                .entry(package.import_path.clone())
                .or_insert_with(|| Arc::new(package));
        }
        known.whole.insert(root.to_owned());
    }

    /// Removes a scope, since something in it was wrong.
    pub(super) fn forget(&self, scope: &ListScope) {
        self.scopes.lock().pop(scope);
    }
}

/// The packages that must be known: the picked ones, those that every binary has, and the one with the licence hook.
fn roots(spec: &BuildSpec, hook: Option<&ImportPath>) -> Vec<String> {
    let picked = spec.packages().keys().chain(hook).map(ToString::to_string);
    picked.chain(own_imports(spec).map(str::to_owned)).collect()
}

/// Sets the modules' folders on this machine. `None` if one is missing or incomplete.
fn with_folders(
    mut packages: Vec<ListedPackage>,
    module_cache: &Path,
) -> Option<Vec<ListedPackage>> {
    let mut folders = HashMap::new();
    for package in &mut packages {
        let Some(module) = &mut package.module else {
            continue;
        };
        let (path, version) = module.fetched_as();
        let folder = folders
            .entry(format!("{path}@{version}"))
            .or_insert_with(|| {
                let module = CachedModule::new(path, version);
                let cache = ModuleCache(module_cache);
                cache.is_unpacked(&module).then(|| cache.folder(&module))
            });
        module.dir.clone_from(folder.as_ref()?);
    }
    Some(packages)
}

fn pack(packages: &[ListedPackage]) -> Vec<u8> {
    let json = serde_json::to_vec(packages).unwrap_or_default();
    zstd::bulk::compress(&json, EFFORT).unwrap_or_default()
}

fn unpack(value: &[u8]) -> Option<Vec<ListedPackage>> {
    let json = zstd::bulk::decompress(value, LARGEST).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests may block")]

    use wombat_model::Template;

    use super::*;
    use crate::{
        main_file::tests::spec,
        module_cache::tests::unpack as unpack_module,
        packages::tests::{NATS, PURE, packages},
    };

    fn scope() -> ListScope {
        ListScope::of("a scope")
    }

    #[tokio::test]
    async fn a_new_selection_of_known_packages_is_put_together() {
        let known = KnownPackages::new(None);
        let cache = tempfile::tempdir().unwrap();
        let (both, one) = (spec(&[NATS, PURE]), spec(&[NATS]));
        let ask = async |spec: &BuildSpec| known.packages(&scope(), spec, None, cache.path()).await;
        assert!(ask(&both).await.is_none());
        known.learn(&scope(), &both, None, &packages(), false);
        let found = ask(&one).await.unwrap();
        let binary = found.binary();
        let paths: Vec<&str> = found
            .iter(&binary)
            .map(|package| package.import_path.as_str())
            .collect();
        assert!(
            paths.contains(&NATS) && paths.contains(&"vendor/golang.org/x/a"),
            "{paths:?}"
        );
        assert!(!paths.contains(&PURE), "{paths:?}");
        assert!(paths.contains(&"time/tzdata"), "{paths:?}");
        let first = one.clone().with_template(Template::FIRST).unwrap();
        let found = ask(&first).await.unwrap();
        let binary = found.binary();
        assert!(
            found
                .iter(&binary)
                .all(|package| package.import_path != "time/tzdata")
        );
        known.forget(&scope());
        assert!(ask(&one).await.is_none());
    }

    #[test]
    fn a_module_that_is_not_here_makes_the_list_useless() {
        let listed = |version: &str| -> ListedPackage {
            serde_json::from_value(serde_json::json!({
                "ImportPath": "a.example/m/p",
                "Module": {"Path": "a.example/m", "Version": "v1.0.0", "Replace": {"Path": "a.example/fork", "Version": version}},
            }))
            .unwrap()
        };
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("a.example/fork@v1.2.3");
        let fork = CachedModule::new("a.example/fork", "v1.2.3");
        unpack_module(cache.path(), &fork, &[("p/p.go", "package p\n")]);
        let found = with_folders(vec![listed("v1.2.3")], cache.path()).unwrap();
        assert_eq!(found[0].module.as_ref().unwrap().dir, folder);
        assert!(with_folders(vec![listed("v1.2.4")], cache.path()).is_none());
        let half = cache
            .path()
            .join("cache/download/a.example/fork/@v/v1.2.3.partial");
        std::fs::write(half, "").unwrap();
        assert!(with_folders(vec![listed("v1.2.3")], cache.path()).is_none());
    }

    #[test]
    fn what_is_shared_comes_back() {
        let below = packages().portable(NATS, |package| package.import_path == NATS);
        let back = unpack(&pack(&below)).unwrap();
        assert_eq!(back.len(), below.len());
        assert!(
            back.iter()
                .any(|package| package.import_path == NATS && package.marked == Some(true))
        );
        assert!(unpack(b"nonsense").is_none());
    }
}
