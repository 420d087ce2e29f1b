//! Doubts a failure before it becomes the result for every client: this builder's own files may be incomplete or
//! damaged.
//!
//! If a failure's message fits a damaged graph or module, the files that may cause it are removed, and the build is
//! repeated; only the second result counts. Modules that match their checksums stay, since other builds use them.

use std::{collections::BTreeSet, fs, io, path::Path, sync::Arc};

use tracing::warn;
use wombat_model::{BuildSpec, Failure, FailureClass};

use super::{
    blocking::blocking,
    graph_store::set_name,
    module_cache::{CachedModule, ModuleCache},
    module_name::looks_right,
    size_limit::is_of_size,
    workshop::Workshop,
};

/// Log line of a build that is repeated.
pub(super) const ONCE_MORE: &str =
    "Damaged files of this builder may be the cause; fetching them again, and building once more.";

/// Texts of failures that a damaged file may cause, even if all modules are intact.
const DOUBTFUL: &[&str] = &[
    "checksum",
    "There is no package",
    "does not contain package",
    "no required module provides package",
    "cannot find module providing package",
    "cannot find package",
    "no Go files in",
    "is not in std",
    ".lock",
    "permission denied",
    "go.mod",
    "go.sum",
    "module lookup disabled",
    "sumdb.Client",
    "malformed note",
    "malformed record",
    "not a valid zip file",
    "The modules don't fit together",
];
/// Texts of failures that local data of the checksum database may cause.
const OF_DATABASE: &[&str] = &["sumdb.Client", "malformed note", "malformed record"];
/// Texts of failures that a downloaded archive may cause.
const OF_ARCHIVE: &[&str] = &["not a valid zip file", "unzip "];
/// Most modules to check for one failure.
const MOST: usize = 16;

impl Workshop {
    /// Whether to repeat the build. If so, the files that may cause the failure are removed.
    pub(super) async fn doubts(&self, spec: &BuildSpec, failure: &Failure) -> bool {
        match failure.class {
            FailureClass::Input | FailureClass::Compile | FailureClass::Internal => {}
            // If the proxy sent the archive, a retry would help; if it is a local file, only its removal does.
            FailureClass::Infra if has(&failure.message, OF_ARCHIVE) => {}
            // These are temporary, or retried anyway.
            FailureClass::Infra
            | FailureClass::Resource
            | FailureClass::Lost
            | FailureClass::Tampered => return false,
        }
        // A damaged file isn't larger than it was.
        if is_of_size(failure) {
            return false;
        }
        let doubtful = has(&failure.message, DOUBTFUL);
        let mut modules = named(&failure.message);
        modules.truncate(MOST);
        let picked = spec.modules().iter();
        modules.extend(picked.map(|(path, version)| CachedModule::new(path, version)));
        let of_database = has(&failure.message, OF_DATABASE);
        let (cache, gopath, relay) = (
            self.settings.module_cache.clone(),
            self.settings.gopath.clone(),
            Arc::clone(&self.relay),
        );
        let damaged = blocking(move || {
            for module in modules.iter().filter(|_| doubtful) {
                relay.forget(&module.proxy_paths());
            }
            let cache = ModuleCache(&cache);
            if of_database && let Err(error) = forget_checksum_databases(cache, &gopath) {
                tracing::debug!(%error, "can't remove the local data of checksum databases");
            }
            set_aside_damaged(cache, &modules.into_iter().collect(), doubtful)
        })
        .await;
        if doubtful || damaged > 0 {
            self.graphs.forget(&set_name(spec)).await;
        }
        doubtful || damaged > 0
    }

    /// Verifies every module after an unclean shutdown of the machine, since `go` doesn't. Takes as long as reading all
    /// of them.
    pub async fn mend_after_a_crash(&self) {
        let (cache, gopath) = (
            self.settings.module_cache.clone(),
            self.settings.gopath.clone(),
        );
        let (modules, damaged): (usize, usize) = blocking(move || {
            let cache = ModuleCache(&cache);
            // It is small, and fetched again with the next module.
            drop(forget_checksum_databases(cache, &gopath));
            let modules = cache.modules();
            let parts = std::thread::available_parallelism().map_or(1, usize::from);
            let size = modules.len().div_ceil(parts).max(1);
            std::thread::scope(|scope| {
                let parts: Vec<_> = modules
                    .chunks(size)
                    .map(|part| {
                        let part: BTreeSet<CachedModule> = part.iter().cloned().collect();
                        scope.spawn(move || set_aside_damaged(cache, &part, true))
                    })
                    .collect();
                let damaged = parts.into_iter().filter_map(|part| part.join().ok()).sum();
                (modules.len(), damaged)
            })
        })
        .await;
        tracing::info!(
            modules,
            damaged,
            "the machine's last shutdown was unclean; verified every module"
        );
    }
}

/// Removes all local data of checksum databases.
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn forget_checksum_databases(cache: ModuleCache<'_>, gopath: &Path) -> io::Result<()> {
    let known = fs::remove_dir_all(gopath.join("pkg/sumdb"));
    cache.forget_checksum_databases().and(known)
}

/// Removes modules that don't match their checksums and, with `unfinished`, the remains of modules that aren't
/// unpacked. Returns their number.
fn set_aside_damaged(
    cache: ModuleCache<'_>,
    modules: &BTreeSet<CachedModule>,
    unfinished: bool,
) -> usize {
    let damaged = modules.iter().filter(|module| {
        if cache.is_unpacked(module) {
            !cache.is_intact(module)
        } else {
            unfinished
        }
    });
    damaged
        .filter(|module| {
            let (path, version) = (module.path(), module.version());
            match cache.set_aside(module) {
                Ok(true) => {
                    warn!(path, version, "removed a damaged module from the cache");
                    true
                }
                Ok(false) => false,
                Err(error) => {
                    warn!(path, version, %error, "can't remove a damaged module from the cache");
                    false
                }
            }
        })
        .count()
}

fn has(text: &str, signs: &[&str]) -> bool {
    signs.iter().any(|sign| text.contains(sign))
}

/// The modules in the output of `go`, each once, in order: as `path@version`, as their folder, or as a file of their
/// download.
fn named(text: &str) -> Vec<CachedModule> {
    let mut found: Vec<CachedModule> = Vec::new();
    let words = text.split(|c: char| c.is_whitespace() || "\"'`(),;[]".contains(c));
    for word in words {
        let module = match word.split_once("cache/download/") {
            Some((_, download)) => of_download(download),
            None => of_folder(word),
        };
        found.extend(module.filter(|module| !found.contains(module)));
    }
    found
}

/// `github.com/!azure/m/@v/v1.2.3.lock`.
fn of_download(text: &str) -> Option<CachedModule> {
    let (path, file) = text.split_once("/@v/")?;
    let file = file.trim_end_matches(':');
    let (version, _) = file.rsplit_once('.')?;
    looks_right(path, version).then(|| CachedModule::from_escaped(path, version))
}

/// `github.com/!azure/m@v1.2.3/p/p.go:1:2:`.
fn of_folder(text: &str) -> Option<CachedModule> {
    let (path, rest) = text.split_once('@')?;
    let version = rest.split(['/', ':']).next().unwrap_or_default();
    let version = version.trim_end_matches('.');
    let module = if text.contains('!') {
        CachedModule::from_escaped(path, version)
    } else {
        CachedModule::new(path, version)
    };
    looks_right(path, version).then_some(module)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests may block")]

    use super::*;
    use crate::module_cache::tests::unpack;

    #[test]
    fn modules_are_found_in_what_go_says() {
        for (text, path, version) in [
            (
                "verifying a.example/m@v1.0.0: checksum mismatch",
                "a.example/m",
                "v1.0.0",
            ),
            (
                "verifying a.example/m@v1.0.0/go.mod: checksum mismatch",
                "a.example/m",
                "v1.0.0",
            ),
            (
                "github.com/!azure/m@v1.2.3-!r!c1/p/p.go:1:1: expected 'package', found 'EOF'",
                "github.com/Azure/m",
                "v1.2.3-RC1",
            ),
            (
                "open cache/download/github.com/!azure/m/@v/v1.2.3.lock: permission denied",
                "github.com/Azure/m",
                "v1.2.3",
            ),
            (
                "a (github.com/Azure/m@v1.2.3), but",
                "github.com/Azure/m",
                "v1.2.3",
            ),
        ] {
            assert_eq!(named(text), [CachedModule::new(path, version)], "{text}");
        }
        for text in [
            "../../a.example/m@v1.0.0",
            "user@host",
            "a.example/m@latest",
            "a.example/m@v1/../../x",
            "cache/download/../../x/@v/v1.lock",
        ] {
            let found = named(text);
            assert!(
                found
                    .iter()
                    .all(|module| !module.version().contains('/') && !module.path().contains("..")),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn only_what_is_damaged_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ModuleCache(folder.path());
        let [sound, damaged, missing] = ["sound", "damaged", "missing"]
            .map(|name| CachedModule::new(format!("a.example/{name}"), "v1.0.0"));
        for module in [&sound, &damaged] {
            unpack(folder.path(), module, &[("p.go", "package p\n")]);
        }
        std::fs::write(cache.folder(&damaged).join("p.go"), "").unwrap();
        let all: BTreeSet<CachedModule> =
            [&sound, &damaged, &missing].into_iter().cloned().collect();
        assert_eq!(set_aside_damaged(cache, &all, false), 1);
        assert!(cache.is_unpacked(&sound) && !cache.folder(&damaged).exists());
        assert_eq!(set_aside_damaged(cache, &all, false), 0);
    }
}
