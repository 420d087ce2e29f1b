//! A module at one version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CatalogPackage, Component, Driver, Licence, SharedBytes, SupportLevel};
use crate::{GoVersion, ImportPath, ModulePath, ModuleVersion};

/// Releases of this generation and later know which components are enterprise features.
const KNOWS_ENTERPRISE: u32 = 5;

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
    /// What its packages and drivers have in common, as far as it is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<SharedBytes>,
    /// SQL drivers that can be picked by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<Driver>,
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

/// A package that a release offers: one of its own, or a driver.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The module that the package is in.
    pub module: &'a ModulePath,
    /// The package.
    pub package: &'a CatalogPackage,
}

impl Release {
    /// All that it offers: its packages, then its drivers.
    pub fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        let own = self.packages.iter().map(|package| Offer {
            module: &self.module,
            package,
        });
        let drivers = self.drivers.iter().map(|driver| Offer {
            module: &driver.module,
            package: &driver.package,
        });
        own.chain(drivers)
    }

    /// The driver of this path.
    pub fn driver(&self, path: &ImportPath) -> Option<&Driver> {
        let mut drivers = self.drivers.iter();
        drivers.find(|driver| driver.package.path == *path)
    }

    /// The package or the driver of this path.
    pub fn offer(&self, path: &ImportPath) -> Option<&CatalogPackage> {
        let driver = || self.driver(path).map(|driver| &driver.package);
        self.package(path).or_else(driver)
    }

    /// The name of a package or driver among [`SharedBytes::packages`].
    pub fn name_of<'a>(&self, path: &'a ImportPath) -> &'a str {
        let below = path.as_str().strip_prefix(self.module.as_str());
        let root = |below: &'a str| match self.component_root.as_str() {
            "" => Some(below),
            root => below.strip_prefix('/')?.strip_prefix(root),
        };
        let folder = below.and_then(root);
        folder.map_or(path.as_str(), |folder| folder.trim_start_matches('/'))
    }

    /// Whether a component is an enterprise feature, whichever package brings it.
    pub fn is_enterprise(&self, component: &Component) -> bool {
        self.packages.iter().any(|package| {
            if self.generation >= KNOWS_ENTERPRISE {
                return package.enterprise.contains(component);
            }
            // Older releases only know it of whole packages.
            package.licence == Licence::Rcl
                && package.support == [SupportLevel::Enterprise]
                && package.components.contains(component)
        })
    }

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
        let drivers = self.drivers.iter_mut().map(|driver| &mut driver.package);
        let packages = self.packages.iter_mut().chain(drivers);
        for package in packages.filter(|package| !package.cgo) {
            let known = before.offer(&package.path);
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
            enterprise: Vec::new(),
            missing: BTreeMap::new(),
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
            shared: Vec::new(),
            drivers: Vec::new(),
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
