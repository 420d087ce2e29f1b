//! The schemas of the embedded catalog, and which of them the real binary has.

use std::{collections::BTreeSet, path::Path};

use anyhow::Context;
use wombat_model::catalog::{Component, ComponentKind, Documentation, Field};

use super::oracle::{BENTHOS_FOLDER, CONNECT_FOLDER, PACKAGES};

/// Components that hold others or are as simple as can be, for places where any will do.
const SIMPLE: [&str; 14] = [
    "input/generate",
    "input/stdin",
    "output/drop",
    "output/stdout",
    "processor/log",
    "processor/mapping",
    "processor/noop",
    "cache/memory",
    "buffer/memory",
    "rate_limit/local",
    "metric/none",
    "tracer/none",
    "scanner/lines",
    "scanner/to_the_end",
];

/// A component, and whether the real binary has it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) documentation: Documentation,
    pub(super) is_in_oracle: bool,
}

/// The schemas.
#[derive(Debug)]
pub struct Catalog {
    /// All but functions and methods.
    pub(super) components: Vec<Known>,
    /// Functions and methods of mappings.
    pub(super) calls: Vec<Known>,
    /// The fields of a pipeline as a whole.
    pub(super) stream: Vec<Field>,
}

impl Catalog {
    /// Reads the embedded files of the releases that the real binary is made of, from a checkout of the sources.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut catalog = Self {
            components: Vec::new(),
            calls: Vec::new(),
            stream: Vec::new(),
        };
        let mut seen = BTreeSet::new();
        for release in [BENTHOS_FOLDER, CONNECT_FOLDER] {
            let release_folder = folder.join("components").join(release);
            let reading = || format!("reading {}", release_folder.display());
            let files = std::fs::read_dir(&release_folder).with_context(reading)?;
            let mut paths = files
                .map(|file| Ok(file?.path()))
                .collect::<anyhow::Result<Vec<_>>>()?;
            // Those of the real binary first: a component that several packages bring is in it if one of them is.
            paths.sort_by_key(|path| {
                let name = file_name(path);
                let is_in = release == BENTHOS_FOLDER || PACKAGES.contains(&name.as_str());
                (!is_in, name)
            });
            for path in paths {
                let name = file_name(&path);
                let is_in_oracle = release == BENTHOS_FOLDER || PACKAGES.contains(&name.as_str());
                let text = std::fs::read_to_string(&path).with_context(reading)?;
                for line in text.lines() {
                    if name == "stream" {
                        if release == CONNECT_FOLDER {
                            catalog.stream.push(serde_json::from_str(line)?);
                        }
                        continue;
                    }
                    let documentation: Documentation = serde_json::from_str(line)?;
                    // Lint knows nothing of drivers.
                    if documentation.kind == ComponentKind::Driver {
                        continue;
                    }
                    if seen.insert(documentation.component()) {
                        catalog.add(documentation, is_in_oracle);
                    }
                }
            }
        }
        let by_name = |known: &Known| known.documentation.component();
        catalog.components.sort_by_key(by_name);
        catalog.calls.sort_by_key(by_name);
        Ok(catalog)
    }

    fn add(&mut self, documentation: Documentation, is_in_oracle: bool) {
        let list = match documentation.kind {
            ComponentKind::BloblangFunction | ComponentKind::BloblangMethod => &mut self.calls,
            _ => &mut self.components,
        };
        list.push(Known {
            documentation,
            is_in_oracle,
        });
    }

    /// The components of a kind that the real binary has.
    pub(super) fn of_kind(&self, kind: ComponentKind) -> Vec<&Documentation> {
        let known = self.components.iter().chain(&self.calls);
        known
            .filter(|known| known.is_in_oracle && known.documentation.kind == kind)
            .map(|known| &known.documentation)
            .collect()
    }

    /// The simple ones of a kind.
    pub(super) fn simple(&self, kind: ComponentKind) -> Vec<&Documentation> {
        let mut all = self.of_kind(kind);
        all.retain(|it| SIMPLE.contains(&it.component().to_string().as_str()));
        all
    }

    /// Whether only other binaries have one of the components, functions and methods of this name, such as `cache/x`
    /// beside an `input/x` that the real binary has.
    pub fn is_foreign(&self, name: &str) -> bool {
        let mut known = self.components.iter().chain(&self.calls);
        known.any(|known| known.documentation.name == name && !known.is_in_oracle)
    }

    /// What the real binary has.
    pub fn in_oracle(&self) -> impl Iterator<Item = Component> + '_ {
        let known = self.components.iter().chain(&self.calls);
        known
            .filter(|known| known.is_in_oracle)
            .map(|known| known.documentation.component())
    }

    /// Every component, function and method.
    pub fn everything(&self) -> impl Iterator<Item = Component> + '_ {
        let known = self.components.iter().chain(&self.calls);
        known.map(|known| known.documentation.component())
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
