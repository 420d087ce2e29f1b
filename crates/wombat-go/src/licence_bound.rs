//! Whether a package can contain anything under a licence that has to be accepted, from the source on this machine
//! alone.
//!
//! It is an upper bound: each file of a package counts, whichever target it is for, and each text in it that may be the
//! import path of another package. It says nothing about what a binary really contains; `licence` does, with the list
//! of compiled files.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use wombat_model::BuildSpec;

use super::{
    go_mod::GoModText,
    licence,
    module_cache::{CachedModule, ModuleCache},
    size_limit::SOURCE,
};

/// Most packages to remember; a release has several hundred.
const MOST: usize = 20_000;
/// Most texts in the files of one package that may be imports. A package of Redpanda Connect has a hundred.
const MOST_IMPORTS: usize = 4_000;
/// Most texts that may be imports below one package, and to remember for all.
const MOST_SEEN: usize = 500_000;
/// Longest import path in bytes.
const LONGEST: usize = 256;

/// The facts about packages that were looked at. Modules never change under a version, so these facts don't either.
#[derive(Clone, Debug, Default)]
pub(super) struct LicenceBound(Arc<Mutex<KnownFacts>>);

/// Facts by folder.
#[derive(Debug, Default)]
struct KnownFacts {
    by_folder: HashMap<PathBuf, Arc<SourceFacts>>,
    /// Imports in all of them.
    imports: usize,
}

/// The files of a package.
#[derive(Debug, Default)]
struct SourceFacts {
    /// Whether one is under the licence.
    is_marked: bool,
    /// Paths in them that may be imports.
    imports: HashSet<String>,
}

impl LicenceBound {
    /// Whether neither this package nor any below it can be under the licence. `false` if the source isn't here.
    pub(super) fn is_free(
        &self,
        package: &str,
        spec: &BuildSpec,
        go_mod: &GoModText<'_>,
        module_cache: &Path,
    ) -> bool {
        let modules = Modules::of(spec, go_mod, ModuleCache(module_cache));
        let mut seen = HashSet::from([package.to_owned()]);
        let mut waiting = vec![package.to_owned()];
        while let Some(path) = waiting.pop() {
            let facts = match modules.folder(&path) {
                Place::Elsewhere => continue,
                Place::Missing => return false,
                Place::Folder(folder) => self.facts(&folder),
            };
            let Some(facts) = facts.filter(|facts| !facts.is_marked) else {
                return false;
            };
            for import in &facts.imports {
                if seen.insert(import.clone()) {
                    waiting.push(import.clone());
                }
            }
            if seen.len() > MOST_SEEN {
                return false;
            }
        }
        true
    }

    fn facts(&self, folder: &Path) -> Option<Arc<SourceFacts>> {
        if let Some(facts) = self.0.lock().by_folder.get(folder) {
            return Some(Arc::clone(facts));
        }
        let facts = Arc::new(SourceFacts::of(folder)?);
        let mut all = self.0.lock();
        if all.by_folder.len() >= MOST || all.imports >= MOST_SEEN {
            *all = KnownFacts::default();
        }
        all.imports += facts.imports.len();
        all.by_folder.insert(folder.to_owned(), Arc::clone(&facts));
        Some(facts)
    }
}

impl SourceFacts {
    /// `None` if a file can't be read, or there is too much in one.
    fn of(folder: &Path) -> Option<Self> {
        let mut facts = Self::default();
        for entry in fs::read_dir(folder).ok()? {
            let path = entry.ok()?.path();
            let name = path.file_name().and_then(OsStr::to_str)?;
            let kind = path.extension().and_then(OsStr::to_str);
            if !matches!(kind, Some("go" | "s")) || name.ends_with("_test.go") {
                continue;
            }
            let bytes = SOURCE.read(&path).ok()?;
            facts.is_marked |= licence::is_mark_in(&bytes);
            let text = String::from_utf8_lossy(&bytes);
            // Import paths are in quotes of either kind, and have no escapes.
            for quoted in text.split(['"', '`']) {
                if looks_like_an_import(quoted) {
                    facts.imports.insert(quoted.to_owned());
                    if facts.imports.len() > MOST_IMPORTS {
                        return None;
                    }
                }
            }
        }
        Some(facts)
    }
}

/// Import paths outside of Go's own library begin with a host name.
fn looks_like_an_import(text: &str) -> bool {
    text.len() <= LONGEST
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && text
            .split_once('/')
            .is_some_and(|(host, _)| host.contains('.'))
}

/// The modules whose packages may be under the licence, and their folders. The longest paths come first.
struct Modules<'a> {
    all: Vec<(&'a str, CachedModule)>,
    cache: ModuleCache<'a>,
}

enum Place {
    /// The package is in no module that counts, or doesn't exist, so that nothing can import it.
    Elsewhere,
    /// Its module isn't here.
    Missing,
    Folder(PathBuf),
}

impl<'a> Modules<'a> {
    fn of(spec: &'a BuildSpec, go_mod: &GoModText<'a>, cache: ModuleCache<'a>) -> Self {
        let picked = spec.modules().iter();
        let picked = picked.map(|(path, version)| (path.as_str(), version.as_str()));
        let required = go_mod
            .requires
            .iter()
            .map(|(path, version)| (*path, *version));
        let required = required.filter(|(path, _)| licence::is_of_organisation(path));
        let mut all: Vec<_> = picked
            .chain(required)
            .map(|(path, version)| {
                let other = go_mod.replacement(path, version);
                let (name, version) = other.unwrap_or((path, version));
                (path, CachedModule::new(name, version))
            })
            .collect();
        all.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self { all, cache }
    }

    fn folder(&self, package: &str) -> Place {
        let below = |module: &str| {
            let rest = package.strip_prefix(module)?;
            (rest.is_empty() || rest.starts_with('/'))
                .then(|| rest.trim_start_matches('/').to_owned())
        };
        let mut modules = self.all.iter();
        let found = modules.find_map(|(path, module)| Some((module, below(path)?)));
        let Some((module, rest)) = found else {
            return Place::Elsewhere;
        };
        if !self.cache.is_unpacked(module) {
            return Place::Missing;
        }
        let folder = self.cache.folder(module).join(rest);
        if folder.is_dir() {
            Place::Folder(folder)
        } else {
            Place::Elsewhere
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::{
        main_file::tests::{CONNECT, spec},
        module_cache::tests::unpack,
    };

    pub(crate) const GO_MOD: &str = "require (\n\tgithub.com/redpanda-data/connect/v4 v4.105.0\n\tgithub.com/redpanda-data/common v1.0.0\n)\n";
    const MARKED: &str = "// Licensed as a Redpanda Enterprise file under the Redpanda Community\n// License\n\npackage x\n";

    /// A module cache in which `kafka` imports a file under the licence, for another system, and `nats` doesn't.
    pub(crate) fn release() -> TempDir {
        let folder = TempDir::new().unwrap();
        let imports = |names: &[&str]| {
            let lines = names
                .iter()
                .map(|name| format!("\t_ \"{CONNECT}/{name}\"\n"));
            format!("package x\n\nimport (\n{})\n", lines.collect::<String>())
        };
        let (kafka, nats) = (
            imports(&["internal/kafka"]),
            imports(&["internal/nats", "not/a/package"]),
        );
        let common = "package x\n\nimport x `github.com/redpanda-data/common/marked`\n";
        let files = [
            ("public/components/kafka/package.go", &kafka[..]),
            ("public/components/nats/package.go", &nats),
            ("public/components/far/package.go", common),
            ("internal/kafka/x_windows.go", MARKED),
            ("internal/nats/x.go", "package x\n"),
            ("internal/nats/x_test.go", MARKED),
        ];
        unpack(
            folder.path(),
            &CachedModule::new(CONNECT, "v4.105.0"),
            &files,
        );
        folder
    }

    fn is_free(folder: &TempDir, name: &str) -> bool {
        let package = format!("{CONNECT}/public/components/{name}");
        let (spec, go_mod) = (spec(&[&package]), GoModText::parse(GO_MOD));
        LicenceBound::default().is_free(&package, &spec, &go_mod, folder.path())
    }

    #[test]
    fn a_package_is_free_if_no_file_below_it_is_under_the_licence() {
        let folder = release();
        assert!(is_free(&folder, "nats"));
        assert!(!is_free(&folder, "kafka"));
    }

    #[test]
    fn other_modules_of_the_organisation_count() {
        let folder = release();
        assert!(!is_free(&folder, "far"), "its module isn't here");
        let common = CachedModule::new("github.com/redpanda-data/common", "v1.0.0");
        unpack(folder.path(), &common, &[("marked/x.go", MARKED)]);
        assert!(!is_free(&folder, "far"));
        let folder = release();
        unpack(folder.path(), &common, &[("marked/x.go", "package x\n")]);
        assert!(is_free(&folder, "far"));
    }

    #[test]
    fn a_package_with_too_many_texts_that_may_be_imports_isnt_free() {
        for (count, free) in [(MOST_IMPORTS, true), (MOST_IMPORTS + 1, false)] {
            let folder = TempDir::new().unwrap();
            let texts: Vec<String> = (0..count).map(|n| format!("\"a.b/{n}\"")).collect();
            let file = ("public/components/nats/x.go", &texts.join(" ")[..]);
            let module = CachedModule::new(CONNECT, "v4.105.0");
            unpack(folder.path(), &module, &[file]);
            assert_eq!(is_free(&folder, "nats"), free, "{count}");
        }
    }

    #[test]
    fn without_the_source_nothing_is_known() {
        assert!(!is_free(&TempDir::new().unwrap(), "nats"));
    }
}
