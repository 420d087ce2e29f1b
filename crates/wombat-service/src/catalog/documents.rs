//! Documentation of the components of each release: embedded for the releases that come with the program, an object of
//! the `catalog-docs` bucket for imported ones.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use anyhow::Context;
use tracing::error;
use wombat_model::catalog::{Documentation, Field, Release, ReleaseDocument};

#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/catalog/components"]
struct ComponentFiles;

/// The largest document that is read, in bytes.
pub(super) const LARGEST_DOCUMENT: u64 = 64 << 20;

/// The file with the fields of a pipeline as a whole.
const STREAM: &str = "stream";

/// Documentation of one release.
#[derive(Debug, Default)]
pub(crate) struct Documented {
    pub(super) components: Vec<Arc<Documentation>>,
    pub(super) stream: Vec<Field>,
}

#[cfg(test)]
impl Documented {
    /// These components, without fields of a pipeline as a whole.
    pub(crate) fn of(components: impl IntoIterator<Item = Documentation>) -> Self {
        Self {
            components: components.into_iter().map(Arc::new).collect(),
            stream: Vec::new(),
        }
    }
}

/// Documentation of imported releases, by object name.
pub(crate) type Documents = Arc<BTreeMap<String, Arc<Documented>>>;

impl From<ReleaseDocument> for Documented {
    fn from(document: ReleaseDocument) -> Self {
        let packages = document.documentation.into_iter();
        let components = packages.flat_map(|package| package.components);
        Self {
            components: components.map(Arc::new).collect(),
            stream: document.stream,
        }
    }
}

/// Embedded documentation, by the name of the release's file.
static EMBEDDED: LazyLock<BTreeMap<String, Documented>> = LazyLock::new(|| {
    read_embedded().unwrap_or_else(|failure| {
        error!(
            error = format!("{failure:#}"),
            "the embedded documentation of components can't be read"
        );
        BTreeMap::new()
    })
});

fn read_embedded() -> anyhow::Result<BTreeMap<String, Documented>> {
    let mut all: BTreeMap<String, Documented> = BTreeMap::new();
    for name in ComponentFiles::iter() {
        let file = ComponentFiles::get(&name).with_context(|| name.to_string())?;
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

/// The embedded documentation of a release.
pub(super) fn embedded(release: &Release) -> Option<&'static Documented> {
    EMBEDDED.get(&file_of(release))
}

/// The file name of an embedded release: the last part of the module's path that isn't a version, and the version.
fn file_of(release: &Release) -> String {
    let module = release.module.as_str();
    let is_version = |word: &&str| !word.starts_with('v') || word[1..].parse::<u32>().is_err();
    let name = module.rsplit('/').find(is_version).unwrap_or(module);
    format!("{name}-{}", release.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use wombat_model::catalog::{Component, ComponentKind};

    use crate::catalog::embedded;

    #[test]
    fn what_is_embedded_is_about_the_releases_that_are() {
        let files = read_embedded().unwrap();
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
                let components = package.components.iter();
                for component in components.filter(|it| it.kind != ComponentKind::Driver) {
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
