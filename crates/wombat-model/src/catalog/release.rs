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
    /// Go releases that it is known to be built with, newest first. More are offered: [`GoReleases::offered`].
    ///
    /// [`GoReleases::offered`]: super::GoReleases::offered
    pub go_versions: Vec<GoVersion>,
    /// The lowest Go release that its own `go.mod` allows; if left out, the lowest of the known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest_go: Option<GoVersion>,
    /// Versions of other catalog modules that its own `go.mod` requires.
    pub requires: BTreeMap<ModulePath, ModuleVersion>,
    /// The folder whose packages are all listed here, such as `public/components`; empty: the module's own.
    pub component_root: String,
    /// Its packages, by path.
    pub packages: Vec<CatalogPackage>,
    /// Bytes of a binary with the base alone, for [`MEASURED_ON`](super::MEASURED_ON); packages add to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_bytes: Option<u64>,
    /// Packages of it that can't be picked, by path, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub excluded: BTreeMap<ImportPath, String>,
    /// The object of the `catalog-docs` bucket with the documentation of its components, if it was imported here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The generation of the importer that wrote it; a newer one replaces it.
    #[serde(default)]
    pub generation: u32,
}

impl Release {
    /// The package of this path.
    pub fn package(&self, path: &ImportPath) -> Option<&CatalogPackage> {
        self.packages.iter().find(|package| package.path == *path)
    }

    /// Whether the path is in the folder whose packages are all listed.
    pub fn lists(&self, path: &ImportPath) -> bool {
        if self.component_root.is_empty() {
            return self.module.contains(path);
        }
        let root = format!("{}/{}/", self.module, self.component_root);
        path.as_str().starts_with(&root)
    }

    /// Adds the platforms that were tried before for the same version; this release's own results win.
    pub fn keep_platforms(&mut self, before: &Self) {
        if (&before.module, &before.version) != (&self.module, &self.version) {
            return;
        }
        for package in self.packages.iter_mut().filter(|package| !package.cgo) {
            let known = before.package(&package.path);
            for (platform, support) in known.into_iter().flat_map(|known| &known.platforms) {
                package.platforms.entry(*platform).or_insert(*support);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Platform,
        catalog::{Licence, PlatformSupport},
    };

    fn release(version: &str, platforms: &[(&str, PlatformSupport)]) -> Release {
        let package = CatalogPackage {
            path: "a.b/c/public/components/d".parse().unwrap(),
            description: String::new(),
            licence: Licence::Apache,
            rcl_files: 0,
            cgo: false,
            platforms: platforms
                .iter()
                .map(|(platform, support)| (platform.parse().unwrap(), *support))
                .collect(),
            components: Vec::new(),
            support: Vec::new(),
            added_bytes: None,
            compile_ms: None,
        };
        Release {
            module: "a.b/c".parse().unwrap(),
            version: version.parse().unwrap(),
            title: String::new(),
            go_versions: Vec::new(),
            lowest_go: None,
            requires: BTreeMap::new(),
            component_root: "public/components".to_owned(),
            packages: vec![package],
            base_bytes: None,
            excluded: BTreeMap::new(),
            document: None,
            generation: 0,
        }
    }

    #[test]
    fn what_was_compiled_before_stays_known_for_the_same_version() {
        use PlatformSupport::{Compiles, Empty, Fails};
        let before = release("v1.0.0", &[("linux/386", Fails), ("linux/amd64", Fails)]);
        let mut again = release("v1.0.0", &[("linux/amd64", Compiles)]);
        again.keep_platforms(&before);
        let known = [("linux/386", Fails), ("linux/amd64", Compiles)]
            .map(|(platform, support)| (platform.parse::<Platform>().unwrap(), support));
        assert_eq!(again.packages[0].platforms, BTreeMap::from(known));

        let mut other = release("v1.0.1", &[("linux/arm", Empty)]);
        other.keep_platforms(&before);
        assert_eq!(other.packages[0].platforms.len(), 1);
    }
}
