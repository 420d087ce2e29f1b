//! The packages of a binary and their imports, from `go list -deps -json`.

mod modules;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use wombat_model::{BuildSpec, ImportPath};

use super::{go_mod::MAIN_MODULE, package_set::PackageSet};

/// A package as it is compiled for the target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedPackage {
    pub(super) import_path: String,
    pub(super) dir: PathBuf,
    pub(super) standard: bool,
    pub(super) module: Option<ListedModule>,
    pub(super) go_files: Vec<String>,
    pub(super) s_files: Vec<String>,
    imports: Vec<String>,
    import_map: HashMap<String, String>,
    pub(super) error: Option<PackageError>,
    /// Whether it compiles a file under a licence that has to be accepted, if that was checked before.
    pub(super) marked: Option<bool>,
}

impl ListedPackage {
    /// A package that isn't from `go list`.
    pub(super) fn importing(path: &str, imports: impl Iterator<Item = String>) -> Self {
        Self {
            import_path: path.to_owned(),
            imports: imports.collect(),
            ..Self::default()
        }
    }

    pub(super) fn imports(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(String::as_str)
    }
}

/// The module that a package is in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedModule {
    pub(super) path: String,
    pub(super) version: String,
    pub(super) dir: PathBuf,
    pub(super) replace: Option<ModuleName>,
}

impl ListedModule {
    /// Path and version, and those of the module that replaces it.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = (self.path.as_str(), self.version.as_str());
        let other = self.replace.as_ref();
        std::iter::once(own).chain(other.map(|it| (it.path.as_str(), it.version.as_str())))
    }

    /// The path and the version that it is fetched under.
    pub(super) fn fetched_as(&self) -> (&str, &str) {
        match &self.replace {
            Some(other) => (&other.path, &other.version),
            None => (&self.path, &self.version),
        }
    }
}

/// A module that replaces another.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ModuleName {
    pub(super) path: String,
    pub(super) version: String,
}

/// Why a package couldn't be loaded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PackageError {
    pub(super) err: String,
}

/// The fields of [`ListedPackage`], as `go list -json=` takes them.
pub(super) const FIELDS: &str =
    "ImportPath,Dir,Standard,Module,GoFiles,SFiles,Imports,ImportMap,Error";

/// All packages of a list, by index.
#[derive(Clone, Debug)]
pub(super) struct Packages {
    all: Vec<ListedPackage>,
    imports: Vec<Vec<usize>>,
    by_path: HashMap<String, usize>,
}

impl Packages {
    /// Parses the output of `go list -deps -json`.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let all = serde_json::Deserializer::from_slice(json)
            .into_iter()
            .collect::<Result<_, _>>()?;
        Ok(Self::of(all))
    }

    /// A list of these packages.
    pub(super) fn of(all: Vec<ListedPackage>) -> Self {
        let by_path: HashMap<String, usize> = all
            .iter()
            .enumerate()
            .map(|(index, package)| (package.import_path.clone(), index))
            .collect();
        let imports = all
            .iter()
            .map(|package| {
                let real = |path: &String| {
                    by_path
                        .get(package.import_map.get(path).unwrap_or(path))
                        .copied()
                };
                package.imports.iter().filter_map(real).collect()
            })
            .collect();
        Self {
            all,
            imports,
            by_path,
        }
    }

    /// The package and all its imports, at every depth, for other machines: without folders and files, and with the
    /// real import paths.
    pub(super) fn portable(
        &self,
        path: &str,
        marked: impl Fn(&ListedPackage) -> bool,
    ) -> Vec<ListedPackage> {
        let closure = self.closure(path);
        let places = (0..self.all.len()).filter(|index| closure.contains(*index));
        places
            .map(|index| {
                let package = &self.all[index];
                let below = self.imports[index].iter();
                ListedPackage {
                    import_path: package.import_path.clone(),
                    standard: package.standard,
                    module: package.module.clone().map(|module| ListedModule {
                        dir: PathBuf::new(),
                        ..module
                    }),
                    imports: below
                        .map(|other| self.all[*other].import_path.clone())
                        .collect(),
                    marked: Some(marked(package)),
                    ..ListedPackage::default()
                }
            })
            .collect()
    }

    /// Changes the texts of errors.
    pub(super) fn reword_errors(&mut self, reword: impl Fn(&str) -> String) {
        let errors = self
            .all
            .iter_mut()
            .filter_map(|package| package.error.as_mut());
        errors.for_each(|error| error.err = reword(&error.err));
    }

    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    pub(super) fn none(&self) -> PackageSet {
        PackageSet::none_of(self.all.len())
    }

    /// The package itself and all its imports, at every depth.
    pub(super) fn closure(&self, path: &str) -> PackageSet {
        let mut set = self.none();
        let mut waiting: Vec<usize> = self.find(path).into_iter().collect();
        while let Some(index) = waiting.pop() {
            if set.add(index) {
                waiting.extend(&self.imports[index]);
            }
        }
        set
    }

    /// The packages in the binary: the main package and all its imports, at every depth.
    pub(super) fn binary(&self) -> PackageSet {
        self.closure(MAIN_MODULE)
    }

    /// Makes the main package import this one, too. `false` if it isn't in the list.
    pub(super) fn include(&mut self, path: &str) -> bool {
        let (Some(main), Some(included)) = (self.find(MAIN_MODULE), self.find(path)) else {
            return false;
        };
        self.imports[main].push(included);
        true
    }

    /// The number of packages that `go build` compiles for a set: all but `unsafe`, which has no code.
    pub(super) fn compiled_count(&self, set: &PackageSet) -> usize {
        set.len() - usize::from(self.find("unsafe").is_some_and(|index| set.contains(index)))
    }

    pub(super) fn iter<'a>(
        &'a self,
        set: &'a PackageSet,
    ) -> impl Iterator<Item = &'a ListedPackage> {
        self.all
            .iter()
            .enumerate()
            .filter(|(index, _)| set.contains(*index))
            .map(|(_, package)| package)
    }

    /// The picked package to blame for the failure of one of its imports: that package itself if it was picked,
    /// otherwise one of the base, otherwise the first.
    pub(super) fn blame(&self, spec: &BuildSpec, failing: &str) -> Option<ImportPath> {
        if let Some((picked, _)) = spec
            .packages()
            .iter()
            .find(|(path, _)| path.as_str() == failing)
        {
            return Some(picked.clone());
        }
        let failing = self.find(failing)?;
        let above = spec
            .packages()
            .iter()
            .filter(|(path, _)| self.closure(path.as_str()).contains(failing));
        let (base, asked): (Vec<_>, Vec<_>) = above.partition(|(_, package)| package.base);
        base.into_iter()
            .chain(asked)
            .next()
            .map(|(path, _)| path.clone())
    }

    /// A picked package that adds nothing: it and all its imports are empty or in the standard library.
    pub(super) fn empty<'a>(&self, spec: &'a BuildSpec) -> Option<&'a ImportPath> {
        spec.packages().keys().find(|path| self.is_empty(path))
    }

    /// Whether the package and all its imports are empty or in the standard library.
    pub(super) fn is_empty(&self, path: &ImportPath) -> bool {
        self.find(path.as_str()).is_some_and(|own| {
            let closure = self.closure(path.as_str());
            let mut others = self
                .iter(&closure)
                .filter(|package| package.import_path != self.all[own].import_path);
            self.all[own].error.is_none() && others.all(|package| package.standard)
        })
    }

    /// The package of this path.
    pub(super) fn get(&self, path: &str) -> Option<&ListedPackage> {
        Some(&self.all[self.find(path)?])
    }

    /// The files of a package that are compiled.
    pub(super) fn files(package: &ListedPackage) -> impl Iterator<Item = PathBuf> + '_ {
        let folder: &Path = &package.dir;
        package
            .go_files
            .iter()
            .chain(&package.s_files)
            .map(move |name| folder.join(name))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::main_file::tests::{BENTHOS, CONNECT, spec};

    pub(crate) const NATS: &str = "github.com/redpanda-data/connect/v4/public/components/nats";
    pub(crate) const PURE: &str = "github.com/redpanda-data/benthos/v4/public/components/pure";

    pub(crate) fn packages() -> Packages {
        let lines = [
            r#"{"ImportPath":"unsafe","Standard":true}"#.to_owned(),
            r#"{"ImportPath":"time/tzdata","Standard":true,"Imports":["unsafe"]}"#.to_owned(),
            r#"{"ImportPath":"vendor/golang.org/x/a","Standard":true,"Imports":["unsafe"]}"#.to_owned(),
            r#"{"ImportPath":"net","Standard":true,"Imports":["golang.org/x/a"],"ImportMap":{"golang.org/x/a":"vendor/golang.org/x/a"}}"#.to_owned(),
            r#"{"ImportPath":"example.com/client","Imports":["net"]}"#.to_owned(),
            format!(r#"{{"ImportPath":"{BENTHOS}/public/service","Imports":["net"]}}"#),
            format!(r#"{{"ImportPath":"{PURE}","Imports":["{BENTHOS}/public/service"]}}"#),
            format!(r#"{{"ImportPath":"{NATS}","Imports":["example.com/client","{BENTHOS}/public/service"]}}"#),
            format!(r#"{{"ImportPath":"{CONNECT}/public/components/ffi","GoFiles":["package.go"]}}"#),
            format!(r#"{{"ImportPath":"{MAIN_MODULE}","Imports":["time/tzdata","{PURE}","{NATS}","{BENTHOS}/public/service"]}}"#),
        ];
        Packages::from_json(lines.join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn closures_follow_vendored_imports() {
        let packages = packages();
        let closure = packages.closure("net");
        assert_eq!(closure.len(), 3);
        assert_eq!(packages.compiled_count(&closure), 2);
        assert_eq!(packages.binary().len(), 9);
    }

    #[test]
    fn the_picked_package_is_blamed() {
        let packages = packages();
        let spec = spec(&[NATS, PURE]);
        assert_eq!(
            packages
                .blame(&spec, "example.com/client")
                .unwrap()
                .as_str(),
            NATS
        );
        assert_eq!(packages.blame(&spec, NATS).unwrap().as_str(), NATS);
        assert_eq!(packages.blame(&spec, "example.com/elsewhere"), None);
    }

    #[test]
    fn a_package_over_nothing_is_empty() {
        let packages = packages();
        assert_eq!(packages.empty(&spec(&[NATS, PURE])), None);
        let ffi = format!("{CONNECT}/public/components/ffi");
        assert_eq!(packages.empty(&spec(&[&ffi, PURE])).unwrap().as_str(), ffi);
    }
}
