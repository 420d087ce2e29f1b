//! A module at one version.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{CatalogPackage, Unfetched};
use crate::{GoVersion, ImportPath, ModulePath, ModuleVersion, names::BASE_MODULE};

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

    /// Adds what another import found of packages that this one lacked.
    pub fn add(&mut self, found: Self) {
        let tried = found.packages.iter().map(|package| &package.path);
        for path in tried.chain(found.excluded.keys()) {
            self.unfetched.remove(path);
            self.excluded.remove(path);
        }
        let mut known = found.packages;
        known.retain(|package| self.package(&package.path).is_none());
        if self.module.as_str() == BASE_MODULE {
            // Each of its binaries has the components of its base.
            let all = self.packages.iter().flat_map(|package| &package.components);
            let all: BTreeSet<_> = all.cloned().collect();
            for package in &mut known {
                package
                    .components
                    .retain(|component| !all.contains(component));
            }
        }
        self.packages.append(&mut known);
        self.packages
            .sort_by(|left, right| left.path.cmp(&right.path));
        self.excluded.extend(found.excluded);
        self.unfetched.extend(found.unfetched);
        self.added_documents.extend(found.document);
    }

    /// Keeps packages that were in it before for the same version, and couldn't be tried this time.
    pub fn keep_unfetched(&mut self, before: &Self) {
        let lacking = self.unfetched.keys();
        let kept = lacking.filter_map(|path| before.package(path).cloned());
        let mut kept: Vec<CatalogPackage> = kept.collect();
        if kept.is_empty() || (&before.module, &before.version) != (&self.module, &self.version) {
            return;
        }
        for package in &kept {
            self.unfetched.remove(&package.path);
        }
        self.packages.append(&mut kept);
        self.packages
            .sort_by(|left, right| left.path.cmp(&right.path));
        self.added_documents.extend(before.documents().cloned());
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
            unfetched: BTreeMap::new(),
            document: None,
            added_documents: Vec::new(),
            generation: 0,
        }
    }

    #[test]
    fn a_release_that_lacks_a_package_does_not_offer_all() {
        let old = release("v1.0.0", &[]);
        let mut new = release("v1.1.0", &[]);
        assert!(new.offers_all_of(&old));
        let more = CatalogPackage {
            path: "a.b/c/public/components/more".parse().unwrap(),
            ..new.packages[0].clone()
        };
        new.packages.push(more);
        assert!(new.offers_all_of(&old) && !old.offers_all_of(&new));
        new.packages[0].cgo = true;
        assert!(!new.offers_all_of(&old), "it is in no binary");
    }

    #[test]
    fn what_is_found_later_is_added() {
        let tried = time::macros::datetime!(2026-01-02 03:04:05 UTC);
        let unfetched = |reason: &str| Unfetched {
            reason: reason.to_owned(),
            dependency: "a.b/x v1.0.0".to_owned(),
            tried,
        };
        let path = |name: &str| -> ImportPath {
            format!("a.b/c/public/components/{name}").parse().unwrap()
        };
        let mut known = release("v1.0.0", &[]);
        known.unfetched = ["e", "f", "g"]
            .map(|name| (path(name), unfetched("then")))
            .into();
        let mut found = release("v1.0.0", &[]);
        found.packages[0].path = path("e");
        found.excluded = [(path("f"), "broken".to_owned())].into();
        found.unfetched = [(path("g"), unfetched("now"))].into();
        found.document = Some("more".to_owned());
        known.document = Some("first".to_owned());
        known.add(found);
        let paths: Vec<&str> = known
            .packages
            .iter()
            .map(|package| package.path.short_name())
            .collect();
        assert_eq!(paths, ["d", "e"]);
        assert_eq!(known.excluded[&path("f")], "broken");
        assert_eq!(known.unfetched, [(path("g"), unfetched("now"))].into());
        let documents: Vec<&String> = known.documents().collect();
        assert_eq!(documents, ["first", "more"]);
    }

    #[test]
    fn what_cannot_be_tried_again_stays_as_it_was() {
        let why = Unfetched {
            reason: "no".to_owned(),
            dependency: "a.b/x v1.0.0".to_owned(),
            tried: time::macros::datetime!(2026-01-02 03:04:05 UTC),
        };
        let mut before = release("v1.0.0", &[]);
        before.document = Some("before".to_owned());
        let path = before.packages[0].path.clone();
        let mut again = release("v1.0.0", &[]);
        again.packages.clear();
        again.unfetched = [(path.clone(), why)].into();
        let mut other = again.clone();
        other.version = "v1.1.0".parse().unwrap();
        again.keep_unfetched(&before);
        assert!(again.package(&path).is_some() && again.unfetched.is_empty());
        assert_eq!(again.added_documents, ["before"]);
        other.keep_unfetched(&before);
        assert!(other.package(&path).is_none(), "another version may differ");
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
