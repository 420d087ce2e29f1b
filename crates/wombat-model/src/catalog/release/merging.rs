//! What several imports of one version found, in one release.

use std::collections::BTreeSet;

use super::Release;
use crate::{
    catalog::{CatalogPackage, Driver, SharedBytes},
    names::BASE_MODULE,
};

impl Release {
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
        let names: BTreeSet<String> = known
            .iter()
            .map(|package| self.name_of(&package.path).to_owned())
            .collect();
        self.add_shared(&found.shared, |name| names.contains(name));
        self.packages.append(&mut known);
        self.packages
            .sort_by(|left, right| left.path.cmp(&right.path));
        self.add_drivers(found.drivers);
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
        let drivers = before.drivers.iter().filter(|driver| {
            let mut components = kept.iter().flat_map(|package| &package.components);
            components.any(|component| driver.package.components.contains(component))
        });
        let drivers: Vec<Driver> = drivers.cloned().collect();
        for package in &kept {
            self.unfetched.remove(&package.path);
        }
        let names: BTreeSet<&str> = kept
            .iter()
            .map(|package| before.name_of(&package.path))
            .collect();
        self.add_shared(&before.shared, |name| names.contains(name));
        self.add_drivers(drivers);
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
        let drivers = self.drivers.iter_mut().map(|driver| &mut driver.package);
        let packages = self.packages.iter_mut().chain(drivers);
        for package in packages.filter(|package| !package.cgo) {
            let known = before.offer(&package.path);
            for (platform, support) in known.into_iter().flat_map(|known| &known.platforms) {
                package.platforms.entry(*platform).or_insert(*support);
            }
        }
    }

    /// Adds drivers that it doesn't have.
    fn add_drivers(&mut self, mut drivers: Vec<Driver>) {
        drivers.retain(|driver| self.driver(&driver.package.path).is_none());
        self.drivers.append(&mut drivers);
        self.drivers
            .sort_by(|left, right| left.package.path.cmp(&right.package.path));
    }

    /// Adds the parts that new packages share with each other. What they share with others isn't known.
    fn add_shared(&mut self, parts: &[SharedBytes], is_new: impl Fn(&str) -> bool) {
        let own = parts
            .iter()
            .filter(|part| part.packages.iter().all(|name| is_new(name)));
        self.shared.extend(own.cloned());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        ImportPath, Platform,
        catalog::{Licence, PlatformSupport, Unfetched},
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
