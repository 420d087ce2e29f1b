//! What the components of the newest releases are configured with, for whoever reads pipelines.
//!
//! The embedded catalog brings it for the releases that it holds. Of others only the names are known.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use anyhow::Context;
use tracing::error;
use wombat_model::catalog::{
    Component, ComponentKind, ComponentReference, ComponentStatus, Documentation, Field, Release,
};

use super::{BENTHOS, Snapshot};

#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/catalog/components"]
struct Files;

/// The file with the fields of a pipeline as a whole.
const STREAM: &str = "stream";

/// What is embedded of one release.
#[derive(Debug, Default)]
struct Embedded {
    components: Vec<Arc<Documentation>>,
    stream: Vec<Field>,
}

/// By the name of the release's file.
static EMBEDDED: LazyLock<BTreeMap<String, Embedded>> = LazyLock::new(|| {
    embedded().unwrap_or_else(|failure| {
        error!(
            error = format!("{failure:#}"),
            "what components are configured with can't be read"
        );
        BTreeMap::new()
    })
});

fn embedded() -> anyhow::Result<BTreeMap<String, Embedded>> {
    let mut all: BTreeMap<String, Embedded> = BTreeMap::new();
    for name in Files::iter() {
        let file = Files::get(&name).with_context(|| name.to_string())?;
        let text = std::str::from_utf8(&file.data).with_context(|| name.to_string())?;
        let (release, package) = name.split_once('/').with_context(|| name.to_string())?;
        let own = all.entry(release.to_owned()).or_default();
        for line in text.lines() {
            if package.trim_end_matches(".jsonl") == STREAM {
                own.stream
                    .push(serde_json::from_str(line).with_context(|| name.to_string())?);
            } else {
                let read = serde_json::from_str(line).with_context(|| name.to_string())?;
                own.components.push(Arc::new(read));
            }
        }
    }
    Ok(all)
}

/// The embedded file that a release is in: the last word of its module's path that isn't a version, and its version.
fn file_of(release: &Release) -> String {
    let module = release.module.as_str();
    let is_version = |word: &&str| !word.starts_with('v') || word[1..].parse::<u32>().is_err();
    let name = module.rsplit('/').find(is_version).unwrap_or(module);
    format!("{name}-{}", release.version)
}

/// Components by kind and name.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    components: BTreeMap<ComponentKind, BTreeMap<String, Arc<Documentation>>>,
    base: BTreeSet<Component>,
    stream: Vec<Field>,
}

impl Schemas {
    /// Of the newest releases, and of those that they ask for.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut schemas = Self::default();
        for release in snapshot.newest_of_each() {
            for (module, version) in &release.requires {
                if let Some(required) = snapshot.release(module, version) {
                    schemas.add(required);
                }
            }
            schemas.add(release);
        }
        schemas
    }

    fn add(&mut self, release: &Release) {
        let embedded = EMBEDDED.get(&file_of(release));
        if let Some(embedded) = embedded {
            for documentation in &embedded.components {
                let names = self.components.entry(documentation.kind).or_default();
                names
                    .entry(documentation.name.clone())
                    .or_insert_with(|| Arc::clone(documentation));
            }
            // A release that brings more fields knows those of the others, too.
            if embedded.stream.len() > self.stream.len() {
                self.stream.clone_from(&embedded.stream);
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

    /// What is known of all components that are meant and have a configuration or parameters.
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

    /// The kinds that have a component of this name, functions and methods aside.
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

    /// Whether every binary has it.
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
        examples: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::embedded;

    #[test]
    fn what_is_embedded_is_about_the_releases_that_are() {
        let files = super::embedded().unwrap();
        let releases = embedded::releases().unwrap();
        let known: BTreeSet<String> = releases.iter().map(file_of).collect();
        assert!(!files.is_empty());
        for (name, embedded) in &files {
            assert!(known.contains(name), "{name} is no release");
            assert!(!embedded.stream.is_empty(), "{name}");
            assert!(
                embedded.components.iter().all(|it| it.summary.is_empty()),
                "{name}"
            );
        }
        for release in releases {
            let Some(embedded) = files.get(&file_of(&release)) else {
                continue;
            };
            let documented: BTreeSet<Component> = embedded
                .components
                .iter()
                .map(|it| it.component())
                .collect();
            for package in &release.packages {
                for component in &package.components {
                    assert!(
                        documented.contains(component),
                        "{}: {component}",
                        package.path
                    );
                }
            }
        }
    }
}
