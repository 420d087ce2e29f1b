//! The licences in a binary: read from the files that are compiled, not from the catalog, so that no module can bring
//! one in unnoticed.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use wombat_model::{BuildSpec, Failure, FailureClass, ImportPath, catalog::Licence};

use super::{
    packages::{ListedPackage, Packages},
    size_limit::SOURCE,
};

/// The organisation whose modules use the licence.
const ORGANISATION: &str = "github.com/redpanda-data/";
/// Path in the release of the list of packages that anyone may use.
const BUNDLE: &str = "public/components/community";
/// Text at the beginning of licensed files. The licence's name may be broken over two lines.
const MARK: &str = "Redpanda Community";
/// Bytes at the beginning of a file that may contain the mark.
const HEAD: usize = 1024;

/// The package with the hook that components under the licence need, in the release that the spec builds on, if it has
/// one.
pub(super) fn hook(spec: &BuildSpec) -> Option<ImportPath> {
    let release = spec.modules().keys().find(|module| {
        module
            .as_str()
            .starts_with("github.com/redpanda-data/connect/")
    })?;
    format!("{release}/public/license").parse().ok()
}

/// Whether any compiled file is under the Redpanda Community Licence; an error if the policy forbids it.
pub(super) fn check(
    packages: &Packages,
    spec: &BuildSpec,
    allowed_licence: Licence,
) -> Result<bool, Failure> {
    let binary = packages.binary();
    let marked: BTreeSet<&str> = packages
        .iter(&binary)
        .filter(|package| is_marked(package, spec))
        .map(|package| package.import_path.as_str())
        .collect();
    if marked.is_empty() || allowed_licence == Licence::Rcl {
        return Ok(!marked.is_empty());
    }
    let mut allowed = packages.none();
    if allowed_licence == Licence::Community {
        for path in bundle(packages) {
            allowed.add_all(&packages.closure(&path));
        }
    }
    for path in spec.packages().keys() {
        let closure = packages.closure(path.as_str());
        let hidden = packages.iter(&closure).find(|package| {
            marked.contains(package.import_path.as_str())
                && packages
                    .find(&package.import_path)
                    .is_some_and(|index| !allowed.contains(index))
        });
        if let Some(package) = hidden {
            let why = if package.import_path == path.as_str() {
                String::new()
            } else {
                format!(" (it compiles {})", package.import_path)
            };
            let message = format!(
                "{path} is under the Redpanda Community Licence{why}, which this service's operator hasn't accepted."
            );
            return Err(Failure::new(FailureClass::Input, message).blaming(path.clone()));
        }
    }
    Ok(true)
}

/// Whether any file that the package compiles is under the licence.
pub(super) fn is_marked(package: &ListedPackage, spec: &BuildSpec) -> bool {
    package
        .marked
        .unwrap_or_else(|| marked_files(package, spec).next().is_some())
}

/// The compiled files of a package that are under the licence.
fn marked_files(package: &ListedPackage, spec: &BuildSpec) -> impl Iterator<Item = PathBuf> {
    let worth_a_look = package.module.as_ref().is_some_and(|module| {
        is_of_organisation(&module.path)
            || spec
                .modules()
                .keys()
                .any(|asked| asked.as_str() == module.path)
    });
    let files: Vec<PathBuf> = if worth_a_look {
        Packages::files(package).collect()
    } else {
        Vec::new()
    };
    files.into_iter().filter(|file| begins_with_mark(file))
}

/// The number of files under the licence that a picked package compiles, and whether it is in upstream's own bundle.
pub(super) fn count(packages: &Packages, spec: &BuildSpec, picked: &ImportPath) -> (u32, bool) {
    let closure = packages.closure(picked.as_str());
    let marked = packages
        .iter(&closure)
        .flat_map(|package| marked_files(package, spec))
        .count();
    let bundled = bundle(packages).contains(picked.as_str());
    (u32::try_from(marked).unwrap_or(u32::MAX), bundled)
}

/// Whether a module is one of those that use the licence.
pub(super) fn is_of_organisation(module: &str) -> bool {
    module.starts_with(ORGANISATION)
}

pub(super) fn begins_with_mark(file: &Path) -> bool {
    let mut head = Vec::with_capacity(HEAD);
    let read = File::open(file).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    // A file that can't be read can't be compiled either, so `go` reports it.
    read.is_ok() && is_mark_in(&head)
}

/// Whether these bytes of a file begin with the mark of the licence.
pub(super) fn is_mark_in(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]).contains(MARK)
}

/// The packages in the community bundles of the releases, as their own source lists them.
fn bundle(packages: &Packages) -> BTreeSet<String> {
    let binary = packages.binary();
    let modules = packages
        .iter(&binary)
        .filter_map(|package| package.module.as_ref());
    let folders: BTreeSet<&Path> = modules
        .filter(|module| is_of_organisation(&module.path))
        .map(|module| module.dir.as_path())
        .collect();
    let sources = folders.into_iter().filter_map(|folder| {
        SOURCE
            .read_text(&folder.join(BUNDLE).join("package.go"))
            .ok()
    });
    sources
        .flat_map(|source| imports(&source).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn imports(source: &str) -> impl Iterator<Item = &str> {
    source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("_ \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::main_file::tests::{BENTHOS, CONNECT, spec};

    /// A release in which `kafka` and `mysql` compile a marked package and only `kafka` is in the bundle.
    fn release(folder: &Path) -> Packages {
        let dir = |name: &str| folder.join(name);
        let file = |name: &str, text: &str| {
            std::fs::create_dir_all(dir(name)).unwrap();
            std::fs::write(dir(name).join("package.go"), text).unwrap();
        };
        let rcl = "// Copyright\n//\n// Licensed as a Redpanda Enterprise file under the Redpanda Community\n// License\n\npackage x\n";
        file(
            "public/components/community",
            &format!(
                "package community\n\nimport (\n\t_ \"{CONNECT}/public/components/kafka\"\n)\n"
            ),
        );
        for name in [
            "public/components/kafka",
            "public/components/mysql",
            "public/components/nats",
        ] {
            file(name, "// Licensed under the Apache License\n\npackage x\n");
        }
        file("internal/kafka", rcl);
        file("internal/mysql", rcl);
        let package = |name: &str, imports: &[&str]| {
            serde_json::json!({
                "ImportPath": format!("{CONNECT}/{name}"), "Dir": dir(name), "GoFiles": ["package.go"],
                "Module": {"Path": CONNECT, "Dir": folder},
                "Imports": imports.iter().map(|import| format!("{CONNECT}/{import}")).collect::<Vec<_>>(),
            })
            .to_string()
        };
        let main = |picked: &[&str]| {
            let imports: Vec<String> = picked
                .iter()
                .map(|name| format!("{CONNECT}/public/components/{name}"))
                .collect();
            serde_json::json!({"ImportPath": "wombat/binary", "Imports": imports}).to_string()
        };
        let lines = [
            package("internal/kafka", &[]),
            package("internal/mysql", &[]),
            package("public/components/kafka", &["internal/kafka"]),
            package(
                "public/components/mysql",
                &["internal/mysql", "internal/kafka"],
            ),
            package("public/components/nats", &[]),
            main(&["kafka", "mysql", "nats"]),
        ];
        Packages::from_json(lines.join("\n").as_bytes()).unwrap()
    }

    fn picked(names: &[&str]) -> BuildSpec {
        let pure = format!("{BENTHOS}/public/components/pure");
        let mut paths: Vec<String> = names
            .iter()
            .map(|name| format!("{CONNECT}/public/components/{name}"))
            .collect();
        paths.push(pure);
        spec(&paths.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn the_bundle_is_built_and_the_rest_only_where_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let packages = release(folder.path());
        let verdict = |names: &[&str], policy| {
            check(&packages, &picked(names), policy)
                .map_err(|failure| failure.package.unwrap().short_name().to_owned())
        };
        assert_eq!(verdict(&["kafka", "nats"], Licence::Community), Ok(true));
        assert_eq!(
            verdict(&["kafka", "mysql"], Licence::Community),
            Err("mysql".into())
        );
        assert_eq!(verdict(&["kafka", "mysql"], Licence::Rcl), Ok(true));
        assert_eq!(
            verdict(&["nats", "kafka"], Licence::Apache),
            Err("kafka".into())
        );
    }

    #[test]
    fn the_hook_comes_from_the_release() {
        let hook_of = |names: &[&str]| hook(&picked(names)).map(|path| path.to_string());
        assert_eq!(
            hook_of(&["kafka"]),
            Some(format!("{CONNECT}/public/license"))
        );
        assert_eq!(hook_of(&[]), None);
    }
}
