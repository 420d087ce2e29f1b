//! What the source of packages says.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::PathBuf,
};

use wombat_model::{BuildSpec, ImportPath, ModulePath, ModuleVersion, catalog::Component};

use crate::{
    licence,
    main_file::own_imports,
    package_set::PackageSet,
    packages::{ListedPackage, Packages},
    registrations::{Texts, components, drivers},
    size_limit::{PACKAGE_SOURCE, SOURCE},
};

/// The packages of a spec on its target, from their source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Those that can be listed there, without the base.
    pub(crate) packages: BTreeMap<ImportPath, PackageFacts>,
    /// The drivers that they import themselves.
    pub(crate) drivers: Vec<FoundDriver>,
    /// Bytes of source of all that the binary compiles, by import path.
    pub(crate) source_bytes: BTreeMap<String, u64>,
}

/// Facts about a package on a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PackageFacts {
    /// Whether it compiles to nothing.
    pub(crate) empty: bool,
    /// Number of files under the Redpanda Community Licence that it compiles.
    pub(crate) marked_files: u32,
    /// Whether it is in upstream's own community bundle.
    pub(crate) bundled: bool,
    /// Components that files of its module register, and whether such a file is under the Redpanda Community Licence.
    pub(crate) registered: BTreeMap<Component, bool>,
    /// Import paths of all that it compiles and the base doesn't.
    pub(crate) compiled: BTreeSet<String>,
}

/// A driver of `database/sql`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundDriver {
    /// The first name that it registers.
    pub(crate) name: String,
    /// Its package.
    pub(crate) path: ImportPath,
    /// The module of its package.
    pub(crate) module: ModulePath,
    /// The version of its module.
    pub(crate) version: ModuleVersion,
    /// Import paths of all that it compiles and the base doesn't.
    pub(crate) compiled: BTreeSet<String>,
}

impl Survey {
    /// Import paths of all that a package or a driver compiles and the base doesn't.
    pub(crate) fn compiled(&self, path: &ImportPath) -> Option<&BTreeSet<String>> {
        let driver = || self.drivers.iter().find(|driver| driver.path == *path);
        let package = self.packages.get(path).map(|facts| &facts.compiled);
        package.or_else(|| Some(&driver()?.compiled))
    }
}

/// Surveys all packages of the spec, except for the base. Blocks.
pub(super) fn survey(packages: &Packages, spec: &BuildSpec) -> Survey {
    let (base, picked): (Vec<_>, Vec<_>) = spec
        .packages()
        .iter()
        .partition(|(_, package)| package.base);
    let mut in_base = packages.none();
    for (path, _) in base {
        in_base.add_all(&packages.closure(path.as_str()));
    }
    for path in own_imports(spec) {
        in_base.add_all(&packages.closure(path));
    }
    let binary = packages.binary();
    let mut survey = Survey {
        source_bytes: packages.iter(&binary).map(source_bytes).collect(),
        ..Survey::default()
    };
    let mut registrations = HashMap::new();
    for (path, package) in picked {
        let closure = packages.closure(path.as_str());
        if packages.iter(&closure).any(|it| it.error.is_some())
            || packages.find(path.as_str()).is_none()
        {
            continue;
        }
        let (marked_files, bundled) = licence::count(packages, spec, path);
        let mut facts = PackageFacts {
            empty: packages.is_empty(path),
            marked_files,
            bundled,
            ..PackageFacts::default()
        };
        for listed in packages.iter(&closure) {
            if is_in(listed, &package.module) {
                let found = registrations
                    .entry(listed.import_path.clone())
                    .or_insert_with(|| registered(listed));
                for (component, marked) in found {
                    *facts.registered.entry(component.clone()).or_default() |= *marked;
                }
            }
        }
        facts.compiled = besides(&in_base, packages, path.as_str());
        survey.packages.insert(path.clone(), facts);
        let own = packages.get(path.as_str()).into_iter();
        let imports = own.flat_map(ListedPackage::imports);
        for import in imports.filter_map(|import| packages.get(import)) {
            if !is_in(import, &package.module)
                && !survey
                    .drivers
                    .iter()
                    .any(|it| it.path.as_str() == import.import_path)
            {
                let compiled = || besides(&in_base, packages, &import.import_path);
                survey.drivers.extend(driver(import, compiled));
            }
        }
    }
    survey
}

/// What a package compiles and the base doesn't.
fn besides(in_base: &PackageSet, packages: &Packages, path: &str) -> BTreeSet<String> {
    let closure = packages.closure(path).without(in_base);
    let compiled = packages.iter(&closure);
    compiled
        .map(|package| package.import_path.clone())
        .collect()
}

fn is_in(package: &ListedPackage, module: &ModulePath) -> bool {
    let its = package.module.as_ref();
    its.is_some_and(|its| its.path == module.as_str())
}

fn source_bytes(package: &ListedPackage) -> (String, u64) {
    let sizes = Packages::files(package).filter_map(|file| Some(fs::metadata(file).ok()?.len()));
    (package.import_path.clone(), sizes.sum())
}

/// The compiled files of a package, and their texts. `go` reports those that can't be read; what is too large registers
/// nothing that is found.
fn sources(package: &ListedPackage) -> Vec<(PathBuf, String)> {
    let mut size = 0;
    Packages::files(package)
        .filter(|file| file.extension().is_some_and(|kind| kind == "go"))
        .filter_map(|file| {
            let text = SOURCE.read_text(&file).ok()?;
            let whole = size + text.len() as u64;
            PACKAGE_SOURCE.check(whole).ok()?;
            size = whole;
            Some((file, text))
        })
        .collect()
}

/// The components that a package registers, and whether the file is under the Redpanda Community Licence.
fn registered(package: &ListedPackage) -> Vec<(Component, bool)> {
    let sources = sources(package);
    let texts = texts(&sources);
    let found = sources.iter().flat_map(|(file, source)| {
        let found = components(source, &texts);
        let marked = !found.is_empty() && licence::begins_with_mark(file);
        found.into_iter().map(move |component| (component, marked))
    });
    found.collect()
}

fn texts(sources: &[(PathBuf, String)]) -> Texts<'_> {
    let mut texts = Texts::default();
    for (_, source) in sources {
        texts.add(source);
    }
    texts
}

fn driver(
    package: &ListedPackage,
    compiled: impl FnOnce() -> BTreeSet<String>,
) -> Option<FoundDriver> {
    let module = package.module.as_ref()?;
    // A module in the place of another has no version that a request could name.
    if package.standard || module.replace.is_some() {
        return None;
    }
    let sources = sources(package);
    let texts = texts(&sources);
    let mut names = sources
        .iter()
        .flat_map(|(_, source)| drivers(source, &texts));
    Some(FoundDriver {
        name: names.next()?.to_owned(),
        path: package.import_path.parse().ok()?,
        module: module.path.parse().ok()?,
        version: module.version.parse().ok()?,
        compiled: compiled(),
    })
}

#[cfg(test)]
mod tests;
