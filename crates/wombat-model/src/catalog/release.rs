//! A module at one version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CatalogPackage;
use crate::{GoVersion, ImportPath, ModulePath, ModuleVersion};

/// A module at one version: a value of the `catalog` bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// What people call it, such as `Redpanda Connect`.
    pub title: String,
    /// Go releases that it can be built with, newest first.
    pub go_versions: Vec<GoVersion>,
    /// Versions of other catalog modules that its own `go.mod` asks for.
    pub requires: BTreeMap<ModulePath, ModuleVersion>,
    /// The folder below which every package is listed here, such as `public/components`.
    pub component_root: String,
    /// Its packages, by path.
    pub packages: Vec<CatalogPackage>,
    /// Bytes of a binary with the base alone, for [`MEASURED_ON`](super::MEASURED_ON); packages add to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_bytes: Option<u64>,
    /// Packages of it that can't be picked, by path, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub excluded: BTreeMap<ImportPath, String>,
    /// Which generation of importer wrote it, so that a better one replaces it.
    #[serde(default)]
    pub generation: u32,
}

impl Release {
    /// The package of this path.
    pub fn package(&self, path: &ImportPath) -> Option<&CatalogPackage> {
        self.packages.iter().find(|package| package.path == *path)
    }

    /// Whether the path lies where the release lists every package.
    pub fn lists(&self, path: &ImportPath) -> bool {
        let root = format!("{}/{}/", self.module, self.component_root);
        path.as_str().starts_with(&root)
    }
}
