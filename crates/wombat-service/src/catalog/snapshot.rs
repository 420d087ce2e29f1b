//! The catalog at one revision.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use time::OffsetDateTime;
use wombat_model::{
    Blocklist, GoVersion, ImportPath, ModulePath, ModuleVersion,
    catalog::{DefaultReleases, GoReleases, Release},
};

use super::{
    BENTHOS,
    defaults::{ChosenReleases, by_rule, with_chosen},
    documents::{Documented, Documents},
    official::{OfficialNames, is_official},
};

/// Releases by module and version, at one revision.
#[derive(Debug, Default)]
pub(crate) struct Releases {
    all: BTreeMap<ModulePath, BTreeMap<ModuleVersion, Arc<Release>>>,
    revision: u64,
    official_names: OfficialNames,
}

impl Releases {
    /// `revision` is the highest one of their keys, removed ones included.
    pub(crate) fn new(releases: impl IntoIterator<Item = Arc<Release>>, revision: u64) -> Self {
        let mut all = BTreeMap::<ModulePath, BTreeMap<_, _>>::new();
        for release in releases {
            all.entry(release.module.clone())
                .or_default()
                .insert(release.version.clone(), release);
        }
        let official_names = OfficialNames::of(all.values().flat_map(|versions| {
            let releases = versions.values();
            releases.map(AsRef::as_ref)
        }));
        Self {
            all,
            revision,
            official_names,
        }
    }
}

/// Versions of catalog modules that releases outside the catalog require, according to their own `go.mod`.
pub(crate) type Requirements =
    BTreeMap<(ModulePath, ModuleVersion), BTreeMap<ModulePath, ModuleVersion>>;

/// Releases, what is known of their components, and what may not be built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    releases: Arc<Releases>,
    blocklist: Arc<Blocklist>,
    /// Of the blocklist's key.
    blocklist_revision: u64,
    /// Why the blocklist can't be read.
    blocklist_problem: Option<Arc<str>>,
    documents: Documents,
    go: Arc<GoReleases>,
    /// The release of each module that requests without a version get.
    defaults: Arc<BTreeMap<ModulePath, ModuleVersion>>,
    /// What releases that the catalog lacks require.
    requirements: Arc<Requirements>,
    /// When the module proxy was last asked for new Go releases.
    go_checked: Option<OffsetDateTime>,
    /// The default of every release that it can build, by the operator's choice.
    default_go: Option<GoVersion>,
}

impl Snapshot {
    pub(crate) fn of(releases: Arc<Releases>) -> Self {
        let defaults = by_rule(&releases.all, &DefaultReleases::default());
        Self {
            releases,
            defaults: Arc::new(defaults),
            ..Self::default()
        }
    }

    /// The same with the default releases that were reached before, and the operator's choices.
    pub(crate) fn defaulting(self, before: &DefaultReleases, chosen: &ChosenReleases) -> Self {
        let all = &self.releases.all;
        let defaults = with_chosen(by_rule(all, before), all, chosen);
        Self {
            defaults: Arc::new(defaults),
            ..self
        }
    }

    /// The default releases by the rule alone.
    pub(super) fn defaults_by_rule(
        &self,
        before: &DefaultReleases,
    ) -> BTreeMap<ModulePath, ModuleVersion> {
        by_rule(&self.releases.all, before)
    }

    /// The operator's choices that the catalog doesn't have.
    pub(super) fn missing_choices<'a>(
        &'a self,
        chosen: &'a ChosenReleases,
    ) -> impl Iterator<Item = (&'a ModulePath, &'a ModuleVersion)> {
        chosen.missing(&self.releases.all)
    }

    /// The same, knowing what these releases outside the catalog require.
    pub(crate) fn knowing(self, requirements: Requirements) -> Self {
        Self {
            requirements: Arc::new(requirements),
            ..self
        }
    }

    /// The versions of other modules of the catalog that a release requires; `None` if that isn't known.
    pub(crate) fn requirements(
        &self,
        module: &ModulePath,
        version: &ModuleVersion,
    ) -> Option<&BTreeMap<ModulePath, ModuleVersion>> {
        if let Some(release) = self.release(module, version) {
            return Some(&release.requires);
        }
        self.requirements.get(&(module.clone(), version.clone()))
    }

    /// Whether a request for a release outside the catalog waits for what it requires. Of the base there is nothing to
    /// know, and what is blocked isn't built.
    pub(crate) fn lacks_requirements(&self, module: &ModulePath, version: &ModuleVersion) -> bool {
        module.as_str() != BENTHOS && self.knows_nothing_of(module, version)
    }

    /// Whether it is a release of a module of the catalog of which no builder said anything, and that isn't blocked.
    pub(crate) fn knows_nothing_of(&self, module: &ModulePath, version: &ModuleVersion) -> bool {
        self.has(module)
            && self.requirements(module, version).is_none()
            && self.blocklist_problem.is_none()
            && self.blocklist.find(module, version).is_none()
    }

    /// The same with another blocklist, which was read at this revision.
    pub(crate) fn blocking(self, blocklist: Arc<Blocklist>, blocklist_revision: u64) -> Self {
        Self {
            blocklist,
            blocklist_revision,
            ..self
        }
    }

    /// The same with a blocklist that can't be read, for this reason, if it can't.
    pub(crate) fn with_blocklist_problem(mut self, problem: Option<Arc<str>>) -> Self {
        self.blocklist_problem = problem;
        self
    }

    /// The same with what was imported about its releases.
    pub(crate) fn documented(self, documents: Documents) -> Self {
        Self { documents, ..self }
    }

    /// The same with these Go releases. The same `Arc` must be given for the same releases.
    pub(crate) fn with_go(self, go: Arc<GoReleases>, go_checked: Option<OffsetDateTime>) -> Self {
        Self {
            go,
            go_checked,
            ..self
        }
    }

    /// The same with this default for releases that can be built with it.
    pub(crate) fn preferring_go(self, default_go: Option<GoVersion>) -> Self {
        Self { default_go, ..self }
    }

    /// The Go releases that builders can fetch.
    pub(crate) fn go(&self) -> &GoReleases {
        &self.go
    }

    /// When the module proxy was last asked for new Go releases.
    pub(crate) fn go_checked(&self) -> Option<OffsetDateTime> {
        self.go_checked
    }

    /// The Go releases that all of these can be built with; the first is the default.
    pub(crate) fn offered_go(&self, releases: &[&Release]) -> Vec<GoVersion> {
        let mut offered = self.go.offered(releases);
        let preferred = offered.iter().position(|go| Some(*go) == self.default_go);
        if let Some(preferred) = preferred {
            offered[..=preferred].rotate_right(1);
        }
        offered
    }

    /// What was imported about a release.
    pub(super) fn documents(&self, release: &Release) -> impl Iterator<Item = &Documented> {
        let names = release.documents();
        names.filter_map(|name| Some(&**self.documents.get(name)?))
    }

    /// Why the blocklist can't be read. Then nothing may be built: the list is an older one, or none.
    pub(crate) fn blocklist_problem(&self) -> Option<&str> {
        self.blocklist_problem.as_deref()
    }

    /// What may not be built.
    pub(crate) fn blocklist(&self) -> &Arc<Blocklist> {
        &self.blocklist
    }

    /// The highest revision of the bucket that is in it.
    pub(crate) fn revision(&self) -> u64 {
        self.releases_revision().max(self.blocklist_revision)
    }

    /// The revision of the releases alone: neither the blocklist nor documents change it.
    pub(crate) fn releases_revision(&self) -> u64 {
        self.releases.revision
    }

    /// The names that official modules register: a module that was imported besides doesn't take them.
    pub(crate) fn official_names(&self) -> &OfficialNames {
        &self.releases.official_names
    }

    /// Whether both have the same releases.
    pub(crate) fn has_releases_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.releases, &other.releases)
    }

    /// Whether the same request means the same build for both, apart from what is blocked.
    pub(crate) fn resolves_like(&self, other: &Self) -> bool {
        self.has_releases_of(other)
            && Arc::ptr_eq(&self.go, &other.go)
            && self.defaults == other.defaults
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &ModulePath> {
        self.releases.all.keys()
    }

    pub(crate) fn has(&self, module: &ModulePath) -> bool {
        self.releases.all.contains_key(module)
    }

    pub(crate) fn release(
        &self,
        module: &ModulePath,
        version: &ModuleVersion,
    ) -> Option<&Arc<Release>> {
        self.releases.all.get(module)?.get(version)
    }

    /// What a request without a version gets.
    pub(crate) fn default_of(&self, module: &ModulePath) -> Option<&Arc<Release>> {
        self.release(module, self.defaults.get(module)?)
    }

    /// The default release of each module.
    pub(crate) fn default_of_each(&self) -> impl Iterator<Item = &Arc<Release>> {
        self.modules().filter_map(|module| self.default_of(module))
    }

    /// All releases of a module, newest first.
    pub(crate) fn releases_of(&self, module: &ModulePath) -> impl Iterator<Item = &Arc<Release>> {
        let versions = self.releases.all.get(module).into_iter();
        versions.flat_map(|versions| versions.values().rev())
    }

    /// All releases by module, newest first within it.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Release>> {
        self.releases
            .all
            .values()
            .flat_map(|versions| versions.values().rev())
    }

    /// Every module, at each version, that the catalog vouches for.
    pub(crate) fn listed_modules(&self) -> BTreeSet<(&ModulePath, &ModuleVersion)> {
        self.all().flat_map(|release| release.modules()).collect()
    }

    /// The module of a driver, of official releases and of the default ones if they have it.
    pub(crate) fn module_of_driver(&self, path: &ImportPath) -> Option<&ModulePath> {
        let releases = || self.default_of_each().chain(self.all());
        let official = releases().filter(|release| is_official(&release.module));
        let driver = official.chain(releases()).find_map(|it| it.driver(path))?;
        Some(&driver.module)
    }

    /// The module that a path lies in: the one with the longest path.
    pub(crate) fn module_of(&self, path: &ImportPath) -> Option<&ModulePath> {
        self.modules()
            .filter(|module| module.contains(path))
            .max_by_key(|module| module.as_str().len())
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture;

    #[test]
    fn the_operators_go_is_the_default_where_it_can_build() {
        let versions = |go: Option<&str>, release: &str| {
            let catalog = fixture::catalog().preferring_go(go.map(|go| go.parse().unwrap()));
            let module = fixture::CONNECT.parse().unwrap();
            let release = catalog.release(&module, &release.parse().unwrap()).unwrap();
            let offered = catalog.offered_go(&[release]);
            offered.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(versions(None, "v4.105.0"), ["1.26.8", "1.26.6", "1.26.5"]);
        assert_eq!(
            versions(Some("1.26.5"), "v4.105.0"),
            ["1.26.5", "1.26.8", "1.26.6"]
        );
        assert_eq!(
            versions(Some("1.26.6"), "v4.85.0"),
            ["1.26.8", "1.26.5", "1.26.3"]
        );
    }
}
