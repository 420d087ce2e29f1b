//! Records which modules builds use: which they read now, and when each was last used.
//!
//! Access times aren't reliable, since many file systems are mounted without them. So a use sets the modification time
//! of a file that `go` and this program read only for its content: `.ziphash` for a use of a module's source, and
//! `.mod` for a use of its requirements.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use wombat_goproxy::Upstream;
use wombat_model::BuildSpec;

use super::{
    blocking::blocking,
    go_sum::GoSum,
    graph_store::GraphFiles,
    module_cache::{CachedModule, ModuleCache},
    module_name::looks_right,
    modules_in_use::{HeldModules, ModulesInUse},
    packages::Packages,
    settings::GoSettings,
    toolchains::Toolchains,
};

/// Age of a mark after which it is set again: a busy builder writes it a few times an hour.
const MARK_AGAIN: Duration = Duration::from_mins(10);

/// The file of a module to mark.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Source,
    GoMod,
}

impl Mark {
    fn kind(self) -> &'static str {
        match self {
            Self::Source => "ziphash",
            Self::GoMod => "mod",
        }
    }
}

/// Records uses of a module cache. If nothing is ever removed from the cache, it records nothing.
#[derive(Clone, Debug)]
pub(super) struct ModuleUse {
    in_use: ModulesInUse,
    trimmed: Option<PathBuf>,
}

impl ModuleUse {
    /// Uses of the module cache that the settings name. Blocks.
    pub(super) fn of(settings: &GoSettings) -> Self {
        // Go's own state is directly in the state folder.
        let state = settings.gopath.parent().unwrap_or(&settings.gopath);
        Self::at(state, &settings.module_cache, &settings.proxy)
    }

    /// Modules are removed only from a module cache below the state folder, since other programs may use any other
    /// cache, and only if they can be fetched again.
    pub(super) fn at(state: &Path, module_cache: &Path, proxy: &Upstream) -> Self {
        // Resolves links, which may lead out of the state folder.
        let own = match (fs::canonicalize(state), fs::canonicalize(module_cache)) {
            (Ok(state), Ok(cache)) if cache != state && cache.starts_with(&state) => Some(cache),
            _ => None,
        };
        Self {
            in_use: ModulesInUse::default(),
            trimmed: own.filter(|_| !matches!(proxy, Upstream::Off)),
        }
    }

    /// The modules that running builds read.
    pub(super) fn in_use(&self) -> &ModulesInUse {
        &self.in_use
    }

    /// The module cache, if modules are removed from it.
    pub(super) fn trimmed(&self) -> Option<&Path> {
        self.trimmed.as_deref()
    }

    /// The modules that a build reads before it has a module graph: the spec's own modules, from one of which the
    /// graph is made, and its Go.
    pub(super) async fn of_spec(&self, spec: &BuildSpec, settings: &GoSettings) -> HeldModules {
        let picked = spec.modules().iter();
        let modules: BTreeSet<CachedModule> = picked
            .map(|(path, version)| CachedModule::new(path, version))
            .chain(Toolchains::module(spec.go(), settings))
            .collect();
        self.note(Mark::Source, move || modules).await.0
    }

    /// All modules that a build with this module graph may read: `go` accepts no module and no `go.mod` without a line
    /// in `go.sum`.
    pub(super) async fn of_graph(&self, graph: &GraphFiles) -> HeldModules {
        let text = graph.go_sum.clone();
        let modules = move || GoSum::from_file(&text).modules();
        self.note(Mark::GoMod, modules).await.0
    }

    /// The modules of a binary's packages. `false` if one of them isn't here any more.
    pub(super) async fn of_packages(&self, packages: &Packages) -> (HeldModules, bool) {
        let modules = packages.modules();
        self.note(Mark::Source, move || modules).await
    }

    /// Holds and marks modules; also returns whether all of them are here.
    async fn note(
        &self,
        mark: Mark,
        modules: impl FnOnce() -> BTreeSet<CachedModule> + Send + 'static,
    ) -> (HeldModules, bool) {
        let Some(cache) = self.trimmed.clone() else {
            return (HeldModules::default(), true);
        };
        let in_use = self.in_use.clone();
        blocking(move || {
            let mut modules = modules();
            // A `go.sum` may contain any name, but nothing outside the cache may be marked.
            modules.retain(|module| looks_right(module.path(), module.version()));
            // Before the check, so that modules found by it stay.
            let held = in_use.hold(modules);
            let (cache, now) = (ModuleCache(&cache), SystemTime::now());
            let absent = held.iter().filter(|it| !cache.mark(it, mark, now)).count();
            (held, absent == 0)
        })
        .await
    }
}

impl ModuleCache<'_> {
    /// Marks a module as used. `false` if the file to mark isn't here.
    fn mark(self, module: &CachedModule, mark: Mark, now: SystemTime) -> bool {
        let path = self.file(module, mark.kind());
        match fs::metadata(&path).and_then(|metadata| metadata.modified()) {
            Ok(last) if now.duration_since(last).is_ok_and(|age| age < MARK_AGAIN) => true,
            Ok(_) => {
                // A module without a mark is removed too early at worst, and fetched again.
                drop(File::open(&path).and_then(|file| file.set_modified(now)));
                true
            }
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::module_cache::tests::unpack;

    /// Uses of a module cache in the state folder.
    pub(crate) fn used_of(state: &Path) -> ModuleUse {
        let proxy = Upstream::Folder("/proxy".into());
        ModuleUse::at(state, &state.join("modules"), &proxy)
    }

    /// Sets a module's last use to this many hours ago.
    pub(crate) fn last_used(cache: &Path, module: &CachedModule, hours: u64) {
        let time = SystemTime::now() - Duration::from_hours(hours);
        for kind in ["ziphash", "zip", "mod", "info"] {
            if let Ok(file) = File::open(ModuleCache(cache).file(module, kind)) {
                file.set_modified(time).unwrap();
            }
        }
    }

    fn age(cache: &Path, module: &CachedModule, kind: &str) -> Duration {
        let file = fs::metadata(ModuleCache(cache).file(module, kind)).unwrap();
        file.modified().unwrap().elapsed().unwrap_or_default()
    }

    fn listed(versions: &[&str]) -> Packages {
        let lines = versions.iter().map(|version| {
            format!(
                r#"{{"ImportPath":"a.example/m/{version}","Module":{{"Path":"a.example/m","Version":"{version}"}}}}"#
            )
        });
        Packages::from_json(lines.collect::<String>().as_bytes()).unwrap()
    }

    #[tokio::test]
    async fn modules_of_packages_are_held_and_marked() {
        let state = tempfile::tempdir().unwrap();
        let cache = state.path().join("modules");
        let [used, other] = ["v1.0.0", "v1.0.1"].map(|it| CachedModule::new("a.example/m", it));
        for module in [&used, &other] {
            unpack(&cache, module, &[("p.go", "package p\n")]);
            last_used(&cache, module, 5);
        }
        let modules = used_of(state.path());
        let (held, here) = modules.of_packages(&listed(&["v1.0.0"])).await;
        assert!(here);
        assert!(age(&cache, &used, "ziphash") < Duration::from_hours(1));
        assert!(age(&cache, &other, "ziphash") > Duration::from_hours(4));
        let free = |module| modules.in_use().unless_held(module, || ()).is_some();
        assert!(!free(&used) && free(&other));
        drop(held);
        assert!(free(&used));
    }

    #[tokio::test]
    async fn a_module_that_is_gone_is_told_of() {
        let state = tempfile::tempdir().unwrap();
        let cache = state.path().join("modules");
        let module = CachedModule::new("a.example/m", "v1.0.0");
        unpack(&cache, &module, &[("p.go", "package p\n")]);
        let modules = used_of(state.path());
        let packages = listed(&["v1.0.0", "v1.0.1"]);
        assert!(!modules.of_packages(&packages).await.1);
    }

    #[tokio::test]
    async fn a_graph_holds_all_that_it_has_checksums_of() {
        let state = tempfile::tempdir().unwrap();
        let cache = state.path().join("modules");
        let [source, go_mod] = ["v1.0.0", "v1.0.1"].map(|it| CachedModule::new("a.example/M", it));
        unpack(&cache, &source, &[("p.go", "package p\n")]);
        for module in [&source, &go_mod] {
            fs::write(ModuleCache(&cache).file(module, "mod"), "module m\n").unwrap();
            last_used(&cache, module, 5);
        }
        let graph = GraphFiles {
            go_mod: String::new(),
            go_sum: "a.example/M v1.0.0 h1:a=\na.example/M v1.0.1/go.mod h1:b=\n\
                     ../../../out.example v1.0.0 h1:c=\n"
                .to_owned(),
        };
        let modules = used_of(state.path());
        let held = modules.of_graph(&graph).await;
        assert_eq!(held.iter().collect::<Vec<_>>(), [&source, &go_mod]);
        for module in [&source, &go_mod] {
            assert!(age(&cache, module, "mod") < Duration::from_hours(1));
        }
        // The binary contains only some of the modules that a graph requires.
        assert!(age(&cache, &source, "ziphash") > Duration::from_hours(4));
    }

    #[test]
    fn nothing_is_removed_outside_the_state_folder_or_without_a_proxy() {
        let folder = tempfile::tempdir().unwrap();
        let [state, own, outside] =
            ["state", "state/modules", "elsewhere"].map(|it| folder.path().join(it));
        for path in [&state, &own, &outside] {
            fs::create_dir(path).unwrap();
        }
        let link = state.join("link");
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        let proxy = Upstream::Folder("/proxy".into());
        assert!(ModuleUse::at(&state, &own, &proxy).trimmed().is_some());
        for (cache, proxy) in [
            (&outside, &proxy),
            (&link, &proxy),
            (&state, &proxy),
            (&own, &Upstream::Off),
        ] {
            assert_eq!(ModuleUse::at(&state, cache, proxy).trimmed(), None);
        }
    }
}
