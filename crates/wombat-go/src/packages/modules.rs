//! The modules of packages.

use std::collections::BTreeSet;

use super::{ListedModule, ListedPackage, Packages};
use crate::module_cache::CachedModule;

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
}
