//! The package lists of earlier builds, so that a new selection of known packages needs no `go list`: the imports of
//! each package, its module, and whether its licence has to be accepted.
//!
//! Kept in memory per scope (graph, target, Go release), and shared by the fleet for modules of the catalog. If a list
//! turns out wrong, the build fails, and is repeated with `go list`. [`offer`] tells which lists of other builders are
//! believed.

mod offer;

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
};

use lru::LruCache;
use parking_lot::Mutex;
use wombat_model::{BuildSpec, ImportPath};
use wombat_store::GoCache;

pub(super) use offer::Offer;

use super::{
    blocking::blocking,
    go_mod::{GoModText, MAIN_MODULE},
    graph_store::GraphFiles,
    licence,
    licence_bound::LicenceBound,
    main_file::own_imports,
    module_cache::{CachedModule, ModuleCache},
    packages::{ListedPackage, Packages},
};
use wombat_gocache::ListScope;

/// Scopes to keep: a few graphs for a few targets.
const SCOPES: NonZeroUsize = NonZeroUsize::new(24).expect("more than none");

/// Packages of one scope.
#[derive(Debug, Default)]
struct ScopePackages {
    /// Those that this builder listed.
    all: HashMap<String, Arc<ListedPackage>>,
    /// Packages whose imports are all in `all`, too, at every depth.
    whole: HashSet<String>,
    /// Believed lists of other builders, by the package that they are about. They come after `all`, and nothing in them
    /// is under a licence that has to be accepted.
    believed: HashMap<String, Vec<ListedPackage>>,
}

/// The package lists of all scopes.
#[derive(Clone, Debug)]
pub(super) struct KnownPackages {
    scopes: Arc<Mutex<LruCache<ListScope, ScopePackages>>>,
    module_cache: Arc<Path>,
    fleet: Option<GoCache>,
    licences: LicenceBound,
}

impl KnownPackages {
    /// Those of no build yet, whose modules are in this cache.
    pub(super) fn new(module_cache: &Path) -> Self {
        Self {
            scopes: Arc::new(Mutex::new(LruCache::new(SCOPES))),
            module_cache: module_cache.into(),
            fleet: None,
            licences: LicenceBound::default(),
        }
    }

    /// The same, shared through this bucket.
    pub(super) fn shared(self, fleet: GoCache) -> Self {
        Self {
            fleet: Some(fleet),
            ..self
        }
    }

    /// The fleet's lists of the spec's packages that aren't known here.
    pub(super) async fn offer(&self, scope: &ListScope, spec: &BuildSpec) -> Offer {
        let unknown = |known: &ScopePackages, root: &String| {
            !known.whole.contains(root) && !known.believed.contains_key(root)
        };
        let lacking = self.lacking(scope, roots(spec), unknown);
        match &self.fleet {
            Some(fleet) if !lacking.is_empty() => Offer::fetch(fleet, scope, &lacking).await,
            Some(_) | None => Offer::default(),
        }
    }

    /// The packages of the spec's binary, and those that `hook` imports. `None` if not all are known, or a module isn't
    /// on this machine.
    pub(super) async fn packages(
        &self,
        scope: &ListScope,
        spec: &BuildSpec,
        hook: Option<&ImportPath>,
        graph: &GraphFiles,
        offer: Offer,
    ) -> Option<Packages> {
        let (known, scope, spec) = (self.clone(), scope.clone(), spec.clone());
        let (hook, go_mod) = (hook.map(ToString::to_string), graph.go_mod.clone());
        blocking(move || {
            let go_mod = GoModText::parse(&go_mod);
            let believed = offer.believed(&spec, &go_mod, &known.module_cache, &known.licences);
            known.believe(&scope, believed);
            let found = known.assemble(&scope, &spec, hook.as_deref())?;
            with_folders(found, &known.module_cache).map(Packages::of)
        })
        .await
    }

    fn lacking(
        &self,
        scope: &ListScope,
        mut roots: Vec<String>,
        lacks: impl Fn(&ScopePackages, &String) -> bool,
    ) -> Vec<String> {
        let mut scopes = self.scopes.lock();
        let known = scopes.get_or_insert_mut(scope.clone(), ScopePackages::default);
        roots.retain(|root| lacks(known, root));
        roots
    }

    fn believe(&self, scope: &ListScope, lists: Vec<(String, Vec<ListedPackage>)>) {
        let mut scopes = self.scopes.lock();
        let known = scopes.get_or_insert_mut(scope.clone(), ScopePackages::default);
        known.believed.extend(lists);
    }

    fn assemble(
        &self,
        scope: &ListScope,
        spec: &BuildSpec,
        hook: Option<&str>,
    ) -> Option<Vec<ListedPackage>> {
        let mut scopes = self.scopes.lock();
        let known = scopes.get(scope)?;
        let known_hook = hook.filter(|hook| known.whole.contains(*hook));
        let (own, others): (Vec<String>, Vec<String>) = roots(spec)
            .into_iter()
            .chain(known_hook.map(str::to_owned))
            .partition(|root| known.whole.contains(root));
        let mut found: HashMap<&str, &ListedPackage> = HashMap::new();
        let mut waiting: Vec<&str> = own.iter().map(String::as_str).collect();
        while let Some(path) = waiting.pop() {
            if !found.contains_key(path) {
                let package = known.all.get(path)?;
                waiting.extend(package.imports());
                found.insert(path, package);
            }
        }
        // Only what this builder listed may be under a licence, and only that needs the hook.
        let needs_hook = || found.values().any(|package| package.marked == Some(true));
        if hook.is_some() && known_hook.is_none() && needs_hook() {
            return None;
        }
        for root in &others {
            for package in known.believed.get(root)? {
                found.entry(&package.import_path).or_insert(package);
            }
        }
        let imported = found.values().flat_map(|package| package.imports());
        let mut needed = others.iter().map(String::as_str).chain(imported);
        if !needed.all(|path| found.contains_key(path)) {
            return None;
        }
        let mut found: Vec<ListedPackage> = found.into_values().cloned().collect();
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
        let mut all = roots(spec);
        all.extend(hook.map(ToString::to_string));
        for root in self.lacking(scope, all, |known, root| !known.whole.contains(root)) {
            let below = packages.portable(&root, |package| licence::is_marked(package, spec));
            if below.is_empty() || below.iter().any(|package| package.error.is_some()) {
                continue;
            }
            if share && let Some(fleet) = &self.fleet {
                fleet.put_in_background(scope.key("packages", &root), offer::pack(&below));
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
        known.believed.remove(root);
        known.whole.insert(root.to_owned());
    }

    /// Removes a scope, since something in it was wrong.
    pub(super) fn forget(&self, scope: &ListScope) {
        self.scopes.lock().pop(scope);
    }
}

/// The packages that must be known: the picked ones, and those that every binary has.
fn roots(spec: &BuildSpec) -> Vec<String> {
    let picked = spec.packages().keys().map(ToString::to_string);
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

#[cfg(test)]
mod tests;
