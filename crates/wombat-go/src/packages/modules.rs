//! The modules of packages.

use std::collections::{BTreeSet, VecDeque};

use super::{ListedModule, ListedPackage, Packages};
use crate::{go_mod::MAIN_MODULE, module_cache::CachedModule};

/// A package in a binary, and how it came there.
#[derive(Debug)]
pub(crate) struct FoundPackage<'a> {
    /// Its import path.
    pub(crate) package: &'a str,
    /// Its module.
    pub(crate) module: &'a ListedModule,
    /// The package that imports it; `None`: the main package does.
    pub(crate) importer: Option<&'a str>,
    /// The package that the main package imports, and that needs it.
    pub(crate) picked: &'a str,
}

impl ListedPackage {
    /// Path, imports and module, of a package without files under a licence that has to be accepted.
    pub(crate) fn without_licence(&self) -> Self {
        Self {
            import_path: self.import_path.clone(),
            standard: self.standard,
            module: self.module.clone(),
            imports: self.imports.clone(),
            marked: Some(false),
            ..Self::default()
        }
    }
}

impl Packages {
    /// Each module once, by the name that it is fetched under.
    pub(crate) fn modules(&self) -> BTreeSet<CachedModule> {
        let modules = self
            .all
            .iter()
            .filter_map(|package| package.module.as_ref());
        modules
            .map(ListedModule::fetched_as)
            // The main package's module isn't fetched.
            .filter(|(_, version)| !version.is_empty())
            .map(|(path, version)| CachedModule::new(path, version))
            .collect()
    }

    /// The package of a module like this that is the fewest imports away from the main package.
    pub(crate) fn first_of(
        &self,
        is_meant: impl Fn(&ListedModule) -> bool,
    ) -> Option<FoundPackage<'_>> {
        let mut seen = self.none();
        // Each package with the one that imports it and the one that was picked.
        let mut waiting = VecDeque::from([(self.find(MAIN_MODULE)?, None, None)]);
        while let Some((index, importer, picked)) = waiting.pop_front() {
            if !seen.add(index) {
                continue;
            }
            let package = self.all.get(index)?;
            let path = package.import_path.as_str();
            let is_main = path == MAIN_MODULE;
            let module = package.module.as_ref().filter(|_| !is_main);
            if let Some(module) = module.filter(|module| is_meant(module)) {
                return Some(FoundPackage {
                    package: path,
                    module,
                    importer,
                    picked: picked.unwrap_or(path),
                });
            }
            let importer = (!is_main).then_some(path);
            let picked = picked.or(importer);
            let below = self.imports.get(index).into_iter().flatten();
            waiting.extend(below.map(|other| (*other, importer, picked)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_once_and_as_what_stands_in_for_it() {
        let lines = r#"
            {"ImportPath":"fmt","Standard":true}
            {"ImportPath":"a.example/m/p","Module":{"Path":"a.example/m","Version":"v1.0.0"}}
            {"ImportPath":"a.example/m/q","Module":{"Path":"a.example/m","Version":"v1.0.0"}}
            {"ImportPath":"b.example/n","Module":{"Path":"b.example/n","Version":"v1.0.0",
                "Replace":{"Path":"b.example/fork","Version":"v1.2.3"}}}
            {"ImportPath":"main","Module":{"Path":"main"}}
        "#;
        let packages = Packages::from_json(lines.as_bytes()).unwrap();
        let expected = [("a.example/m", "v1.0.0"), ("b.example/fork", "v1.2.3")];
        let expected = expected.map(|(path, version)| CachedModule::new(path, version));
        assert_eq!(packages.modules(), BTreeSet::from(expected));
    }

    #[test]
    fn a_module_is_found_with_the_package_that_needs_it() {
        let module = |path: &str| format!(r#""Module":{{"Path":"{path}","Version":"v1.0.0"}}"#);
        let (a, b, c) = (
            module("a.example/m"),
            module("b.example/n"),
            module("c.example/o"),
        );
        let lines = format!(
            r#"
            {{"ImportPath":"c.example/o/r",{c}}}
            {{"ImportPath":"b.example/n/q","Imports":["c.example/o/r"],{b}}}
            {{"ImportPath":"a.example/m/p","Imports":["b.example/n/q"],{a}}}
            {{"ImportPath":"d.example/unused","Module":{{"Path":"d.example","Version":"v1.0.0"}}}}
            {{"ImportPath":"wombat/binary","Imports":["a.example/m/p"],"Module":{{"Path":"wombat/binary"}}}}
        "#
        );
        let packages = Packages::from_json(lines.as_bytes()).unwrap();
        let found = |path: &str| {
            let found = packages.first_of(|module| module.path == path)?;
            Some((found.package, found.importer, found.picked))
        };
        let picked = "a.example/m/p";
        assert_eq!(found("a.example/m"), Some((picked, None, picked)));
        assert_eq!(
            found("b.example/n"),
            Some(("b.example/n/q", Some(picked), picked))
        );
        assert_eq!(
            found("c.example/o"),
            Some(("c.example/o/r", Some("b.example/n/q"), picked))
        );
        assert_eq!(found("wombat/binary"), None);
        assert_eq!(found("d.example"), None, "not in the binary");
    }
}
