//! A module at one version.

mod merging;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CatalogPackage, Component, Driver, Licence, SharedBytes, SupportLevel, Unfetched};
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
    /// Packages of it that couldn't be tried, by path. They are tried again daily.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unfetched: BTreeMap<ImportPath, Unfetched>,
    /// The object of the `catalog-docs` bucket with the documentation of its components, if it was imported here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Further objects with the documentation of packages that were added later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added_documents: Vec<String>,
    /// The generation of the importer that wrote it; a newer one replaces it.
    #[serde(default)]
    pub generation: u32,
}

/// A package that a release offers: one of its own, or a driver.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The module that the package is in.
    pub module: &'a ModulePath,
    /// The version of that module.
    pub version: &'a ModuleVersion,
    /// The package.
    pub package: &'a CatalogPackage,
}

impl Release {
    /// The modules that its listing vouches for: itself, and what its own authors build it with, which are releases of
    /// other catalog modules, and drivers.
    pub fn modules(&self) -> impl Iterator<Item = (&ModulePath, &ModuleVersion)> {
        let drivers = self.drivers.iter();
        std::iter::once((&self.module, &self.version))
            .chain(&self.requires)
            .chain(drivers.map(|driver| (&driver.module, &driver.version)))
    }

    /// All that it offers: its packages, then its drivers.
    pub fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        let own = self.packages.iter().map(|package| Offer {
            module: &self.module,
            version: &self.version,
            package,
        });
        let drivers = self.drivers.iter().map(|driver| Offer {
            module: &driver.module,
            version: &driver.version,
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
            // Packages may have been added to an older release.
            if self.generation >= KNOWS_ENTERPRISE || !package.enterprise.is_empty() {
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

    /// A package's folder below the one whose packages are all listed; the whole path of others.
    pub fn folder_of<'a>(&self, path: &'a ImportPath) -> &'a str {
        let below = |prefix: &str| {
            let rest = path.as_str().strip_prefix(prefix)?;
            rest.strip_prefix('/').filter(|rest| !rest.is_empty())
        };
        let module = self.module.as_str();
        let root = format!("{module}/{}", self.component_root);
        below(&root)
            .or_else(|| below(module))
            .unwrap_or(path.as_str())
    }

    /// Whether it has everything that can be picked from `other`.
    pub fn offers_all_of(&self, other: &Self) -> bool {
        let mut others = other.packages.iter().filter(|package| !package.cgo);
        others.all(|wanted| {
            let own = self.package(&wanted.path);
            own.is_some_and(|package| !package.cgo)
        })
    }

    /// The objects with its documentation.
    pub fn documents(&self) -> impl Iterator<Item = &String> {
        self.document.iter().chain(&self.added_documents)
    }
}
