//! What is known of the components of each release: embedded for those that come with the program, and an object of the
//! `catalog-docs` bucket for those that were imported here.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use anyhow::Context;
use tracing::error;
use wombat_model::catalog::{Documentation, Field, Release, ReleaseDocument};

#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/catalog/components"]
struct Files;

/// The file with the fields of a pipeline as a whole.
const STREAM: &str = "stream";

/// What is known of one release.
#[derive(Debug, Default)]
pub(crate) struct Documented {
    pub(super) components: Vec<Arc<Documentation>>,
    pub(super) stream: Vec<Field>,
}

/// What was imported, by the name of the object.
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

/// By the name of the release's file.
static EMBEDDED: LazyLock<BTreeMap<String, Documented>> = LazyLock::new(|| {
    read_embedded().unwrap_or_else(|failure| {
        error!(
            error = format!("{failure:#}"),
            "what components are configured with can't be read"
        );
        BTreeMap::new()
    })
});

fn read_embedded() -> anyhow::Result<BTreeMap<String, Documented>> {
    let mut all: BTreeMap<String, Documented> = BTreeMap::new();
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

/// What is embedded of a release.
pub(super) fn embedded(release: &Release) -> Option<&'static Documented> {
    EMBEDDED.get(&file_of(release))
}

/// The embedded file that a release is in: the last word of its module's path that isn't a version, and its version.
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

    use wombat_model::catalog::Component;

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
