//! Configuration schemas of the components of a set of releases, to check pipelines with.
//!
//! They come from imports and, for the embedded releases, from the program. Of other releases only the component names
//! are known. Of a module there is one release: a field of another one would be unknown to the binary.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use wombat_model::{
    ModulePath, ModuleVersion,
    catalog::{
        Component, ComponentKind, ComponentReference, ComponentStatus, Documentation, Field,
        Release,
    },
};

use super::{BENTHOS, Snapshot, documents, official::is_official};

/// Components by kind and name.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    /// One of every module of the catalog.
    releases: BTreeMap<ModulePath, ModuleVersion>,
    components: BTreeMap<ComponentKind, BTreeMap<String, Arc<Documentation>>>,
    base: BTreeSet<Component>,
    stream: Vec<Field>,
}

impl Schemas {
    /// Those of the default releases, as one binary with all of them would have them.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self::of_built(snapshot, &BTreeMap::new())
    }

    /// Those of the releases that are built, and of the default releases of the other modules. A module that is built in a
    /// version that the catalog lacks has likely the components of its default release; only of the base they must be
    /// known.
    pub(crate) fn of_built(
        snapshot: &Snapshot,
        built: &BTreeMap<ModulePath, ModuleVersion>,
    ) -> Self {
        let mut releases: BTreeMap<ModulePath, ModuleVersion> = BTreeMap::new();
        let others = snapshot.default_of_each();
        let others: Vec<&Arc<Release>> = others
            .filter(|release| !built.contains_key(&release.module))
            .collect();
        for release in &others {
            releases.insert(release.module.clone(), release.version.clone());
        }
        // Those that others require take the place of defaults.
        let mut pinned: BTreeMap<&ModulePath, &ModuleVersion> = BTreeMap::new();
        for (module, version) in others.iter().flat_map(|release| &release.requires) {
            if snapshot.release(module, version).is_some() {
                let highest = pinned.entry(module).or_insert(version);
                *highest = version.max(*highest);
            }
        }
        for (module, version) in pinned.into_iter().chain(built) {
            releases.insert(module.clone(), version.clone());
        }
        let listing = |(module, version): (&ModulePath, &ModuleVersion)| {
            let likely = || {
                snapshot
                    .default_of(module)
                    .filter(|_| module.as_str() != BENTHOS)
            };
            snapshot.release(module, version).or_else(likely)
        };
        let listings = releases.iter().filter_map(listing).map(AsRef::as_ref);
        let (official, others): (Vec<&Release>, Vec<&Release>) =
            listings.partition(|release| is_official(&release.module));
        let mut schemas = Self::default();
        // What comes first stays: the names of official components are theirs.
        for listings in [official, others] {
            for release in &listings {
                schemas.add(snapshot, release);
            }
            for release in &listings {
                schemas.add_lacking(snapshot, release);
            }
        }
        schemas.releases = releases;
        schemas
    }

    /// Whether they are those of these releases. A module that the catalog lacks, such as a driver's, has no schemas.
    pub(crate) fn are_of(&self, built: &BTreeMap<ModulePath, ModuleVersion>) -> bool {
        let mut built = built.iter();
        built.all(|(module, version)| self.releases.get(module).is_none_or(|own| own == version))
    }

    fn add(&mut self, snapshot: &Snapshot, release: &Release) {
        let is_official = is_official(&release.module);
        let names = snapshot.official_names();
        let imported = snapshot.documents(release);
        // What a later import adds, and what the program knows of the same release.
        for documented in imported.chain(documents::embedded(release)) {
            for documentation in &documented.components {
                let is_known = !is_official && names.has(&documentation.component());
                let all = self.components.entry(documentation.kind).or_default();
                all.entry(documentation.name.clone())
                    // Of several documents, an imported one has more documentation.
                    .and_modify(|known| {
                        if !is_known && !known.has_words() && documentation.has_words() {
                            known.clone_from(documentation);
                        }
                    })
                    .or_insert_with(|| Arc::clone(documentation));
            }
            // A release that brings more fields knows those of the others, too.
            let may_know = is_official || self.stream.is_empty();
            if may_know && documented.stream.len() > self.stream.len() {
                self.stream.clone_from(&documented.stream);
            }
        }
        for package in &release.packages {
            for component in &package.components {
                let names = self.components.entry(component.kind).or_default();
                names
                    .entry(component.name.clone())
                    .or_insert_with(|| Arc::new(without_fields(component)));
                if release.module.as_str() == BENTHOS {
                    self.base.insert(component.clone());
                }
            }
        }
    }

    /// Components of packages that other releases have and this one lacks here: a pipeline may use them, and gets
    /// another release.
    fn add_lacking(&mut self, snapshot: &Snapshot, release: &Release) {
        for path in release.unfetched.keys().chain(release.excluded.keys()) {
            let others = snapshot.releases_of(&release.module);
            let mut having = others.filter_map(|other| Some((other, other.package(path)?)));
            let Some((other, package)) = having.next() else {
                continue;
            };
            let wanted: BTreeSet<&Component> = package.components.iter().collect();
            let documents = snapshot.documents(other).chain(documents::embedded(other));
            for documentation in documents.flat_map(|document| &document.components) {
                if wanted.contains(&documentation.component()) {
                    let names = self.components.entry(documentation.kind).or_default();
                    let name = documentation.name.clone();
                    names
                        .entry(name)
                        .or_insert_with(|| Arc::clone(documentation));
                }
            }
            for component in wanted {
                let names = self.components.entry(component.kind).or_default();
                names
                    .entry(component.name.clone())
                    .or_insert_with(|| Arc::new(without_fields(component)));
            }
        }
    }

    pub(crate) fn component(&self, kind: ComponentKind, name: &str) -> Option<&Documentation> {
        Some(self.components.get(&kind)?.get(name)?)
    }

    /// Documentation of all matching components with a configuration or parameters.
    pub(crate) fn matching(
        &self,
        reference: &ComponentReference,
    ) -> impl Iterator<Item = &Documentation> {
        let kinds = self.components.iter();
        let named = kinds.filter(|(kind, _)| reference.kind.is_none_or(|it| it == **kind));
        let found = named.filter_map(|(_, names)| names.get(&reference.name));
        found
            .map(|documentation| &**documentation)
            .filter(|it| it.config.is_some() || !it.parameters.is_empty())
    }

    /// All names of a kind.
    pub(crate) fn names(&self, kind: ComponentKind) -> impl Iterator<Item = &str> {
        let names = self.components.get(&kind).into_iter();
        names.flat_map(|names| names.keys().map(String::as_str))
    }

    /// The kinds that have a component of this name, except functions and methods.
    pub(crate) fn kinds_of(&self, name: &str) -> Vec<ComponentKind> {
        let in_mappings = [
            ComponentKind::BloblangFunction,
            ComponentKind::BloblangMethod,
        ];
        self.components
            .iter()
            .filter(|(kind, names)| names.contains_key(name) && !in_mappings.contains(kind))
            .map(|(kind, _)| *kind)
            .collect()
    }

    /// Whether every binary contains it.
    pub(crate) fn is_base(&self, component: &Component) -> bool {
        self.base.contains(component)
    }

    /// The fields of a pipeline as a whole.
    pub(crate) fn stream(&self) -> &[Field] {
        &self.stream
    }
}

fn without_fields(component: &Component) -> Documentation {
    Documentation {
        kind: component.kind,
        name: component.name.clone(),
        status: ComponentStatus::default(),
        support: String::new(),
        since: String::new(),
        categories: Vec::new(),
        summary: String::new(),
        description: String::new(),
        config: None,
        parameters: Vec::new(),
        variadic: None,
        examples: Vec::new(),
    }
}
