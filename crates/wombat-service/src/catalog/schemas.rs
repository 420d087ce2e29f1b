//! Configuration schemas of the components of the newest releases, to check pipelines with.
//!
//! They come from imports and, for the embedded releases, from the program. Of other releases only the component names
//! are known.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use wombat_model::catalog::{
    Component, ComponentKind, ComponentReference, ComponentStatus, Documentation, Field, Release,
};

use super::{BENTHOS, Snapshot, documents};

/// Components by kind and name.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    components: BTreeMap<ComponentKind, BTreeMap<String, Arc<Documentation>>>,
    base: BTreeSet<Component>,
    stream: Vec<Field>,
}

impl Schemas {
    /// Those of the newest releases, and of the releases that these require.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut schemas = Self::default();
        for release in snapshot.newest_of_each() {
            for (module, version) in &release.requires {
                if let Some(required) = snapshot.release(module, version) {
                    schemas.add(snapshot, required);
                }
            }
            schemas.add(snapshot, release);
        }
        schemas
    }

    fn add(&mut self, snapshot: &Snapshot, release: &Release) {
        let imported = snapshot.document(release).map(|document| &**document);
        if let Some(documented) = imported.or_else(|| documents::embedded(release)) {
            for documentation in &documented.components {
                let names = self.components.entry(documentation.kind).or_default();
                names
                    .entry(documentation.name.clone())
                    // Of two releases, an imported one has more documentation.
                    .and_modify(|known| {
                        if !known.has_words() && documentation.has_words() {
                            known.clone_from(documentation);
                        }
                    })
                    .or_insert_with(|| Arc::clone(documentation));
            }
            // A release that brings more fields knows those of the others, too.
            if documented.stream.len() > self.stream.len() {
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
