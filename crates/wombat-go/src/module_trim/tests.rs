use std::fs::File;

use wombat_goproxy::Upstream;

use super::*;
use crate::{
    module_cache::{CachedModule, tests::unpack},
    module_use::tests::{last_used, used_of},
};

/// A state folder with a module cache.
struct Scene {
    state: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        for folder in ["modules", "graphs"] {
            fs::create_dir(state.path().join(folder)).unwrap();
        }
        Self { state }
    }

    fn cache(&self) -> PathBuf {
        self.state.path().join("modules")
    }

    /// A module that was last used this many hours ago.
    fn module(&self, path: &str, hours: u64) -> CachedModule {
        let module = CachedModule::new(path, "v1.0.0");
        let text = "x".repeat(64 << 10);
        unpack(&self.cache(), &module, &[("p/p.go", text.as_str())]);
        for (kind, text) in [("zip", "PK"), ("mod", "module m\n"), ("info", "{}")] {
            fs::write(self.file(&module, kind), text).unwrap();
        }
        // As `go` leaves it.
        let folder = ModuleCache(&self.cache()).folder(&module);
        for folder in [folder.join("p"), folder] {
            fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
        }
        last_used(&self.cache(), &module, hours);
        module
    }

    fn file(&self, module: &CachedModule, kind: &str) -> PathBuf {
        ModuleCache(&self.cache()).file(module, kind)
    }

    fn size(&self) -> u64 {
        let never = CancellationToken::new();
        let found = ModuleCache(&self.cache()).on_disk(&mut FolderSizes::new(), &never);
        found.unwrap().iter().map(|module| module.size).sum()
    }

    /// Whether each module is complete; if not, it must be gone completely.
    fn has<const N: usize>(&self, modules: [&CachedModule; N]) -> [bool; N] {
        modules.map(|module| {
            let there = ModuleCache(&self.cache()).is_unpacked(module);
            let folder = ModuleCache(&self.cache()).folder(module);
            assert_eq!(folder.exists(), there, "{module:?}");
            for kind in ["ziphash", "zip"] {
                assert_eq!(self.file(module, kind).exists(), there, "{module:?} {kind}");
            }
            there
        })
    }

    fn trimmer(&self, limit: u64) -> ModuleTrimmer {
        let graphs = self.state.path().join("graphs");
        ModuleTrimmer::new(used_of(self.state.path()), graphs, limit)
    }

    fn trim(&self, trimmer: &ModuleTrimmer) {
        let never = CancellationToken::new();
        trimmer.trim(SystemTime::now(), &never).unwrap();
        let left = fs::read_dir(self.cache().join(REMOVED));
        assert_eq!(left.map_or(0, Iterator::count), 0, "all of it is deleted");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // What can't be written isn't deleted with the rest.
        drop(remove_folder(self.state.path()));
    }
}

#[test]
fn the_least_recently_used_goes_first() {
    let scene = Scene::new();
    let [new, old, middle] = [
        ("a.example/New", 2),
        ("b.example/old", 9),
        ("c.example/m", 5),
    ]
    .map(|(path, hours)| scene.module(path, hours));
    scene.trim(&scene.trimmer(scene.size()));
    assert_eq!(scene.has([&old, &middle, &new]), [true; 3], "there is room");
    scene.trim(&scene.trimmer(scene.size() - 1));
    assert_eq!(scene.has([&old, &middle, &new]), [false, true, true]);
    // Room for one of two.
    scene.trim(&scene.trimmer(scene.size() * 7 / 10));
    assert_eq!(scene.has([&old, &middle, &new]), [false, false, true]);
    scene.trim(&scene.trimmer(0));
    assert_eq!(scene.has([&old, &middle, &new]), [false; 3]);
    assert_eq!(scene.size(), 0, "nor is a go.mod left");
}

#[test]
fn what_a_running_build_uses_stays_though_it_is_the_oldest() {
    let scene = Scene::new();
    let [old, new] =
        [("a.example/old", 9), ("b.example/new", 2)].map(|(path, hours)| scene.module(path, hours));
    let trimmer = scene.trimmer(0);
    let held = trimmer.modules.in_use().hold([old.clone()].into());
    scene.trim(&trimmer);
    assert_eq!(scene.has([&old, &new]), [true, false]);
    assert!(scene.file(&old, "mod").exists() && !scene.file(&new, "mod").exists());
    drop(held);
    scene.trim(&trimmer);
    assert_eq!(scene.has([&old]), [false]);
}

#[test]
fn what_was_used_within_the_hour_stays_whatever_the_limit() {
    let scene = Scene::new();
    let [old, new] =
        [("a.example/old", 2), ("b.example/new", 0)].map(|(path, hours)| scene.module(path, hours));
    scene.trim(&scene.trimmer(0));
    assert_eq!(scene.has([&old, &new]), [false, true]);
}

#[test]
fn what_go_is_at_work_on_stays() {
    let scene = Scene::new();
    let module = scene.module("a.example/m", 2);
    let lock = File::create(scene.file(&module, "lock")).unwrap();
    lock.lock().unwrap();
    scene.trim(&scene.trimmer(0));
    assert_eq!(scene.has([&module]), [true]);
    drop(lock);
    scene.trim(&scene.trimmer(0));
    assert_eq!(scene.has([&module]), [false]);
}

#[test]
fn a_go_release_is_a_module_like_others() {
    let scene = Scene::new();
    let path = "golang.org/toolchain";
    let [old, new] = ["v0.0.1-go1.26.1.linux-amd64", "v0.0.1-go1.26.2.linux-amd64"]
        .map(|version| CachedModule::new(path, version));
    for (module, hours) in [(&old, 9), (&new, 2)] {
        let text = "x".repeat(64 << 10);
        unpack(&scene.cache(), module, &[("bin/go", text.as_str())]);
        fs::write(scene.file(module, "zip"), "PK").unwrap();
        last_used(&scene.cache(), module, hours);
    }
    scene.trim(&scene.trimmer(scene.size() - 1));
    assert_eq!(scene.has([&old, &new]), [false, true]);
}

#[test]
fn a_cache_outside_the_state_folder_is_not_touched() {
    let (own, foreign) = (Scene::new(), Scene::new());
    let module = foreign.module("a.example/m", 9);
    let size = foreign.size();
    let proxy = Upstream::Folder("/proxy".into());
    let modules = ModuleUse::at(own.state.path(), &foreign.cache(), &proxy);
    let graphs = own.state.path().join("graphs");
    foreign.trim(&ModuleTrimmer::new(modules, graphs, 0));
    assert_eq!(foreign.has([&module]), [true]);
    assert_eq!(foreign.size(), size);
    // It would go if it were the builder's own.
    foreign.trim(&foreign.trimmer(0));
    assert_eq!(foreign.has([&module]), [false]);
}

#[test]
fn graphs_are_trimmed_with_modules_and_without() {
    let (own, foreign) = (Scene::new(), Scene::new());
    let graphs = own.state.path().join("graphs");
    let fill = || {
        for (name, hours) in [("old", 5), ("new", 2)] {
            let file = File::create(graphs.join(name).with_extension("resolved")).unwrap();
            // Takes no room on the disk.
            file.set_len(GRAPHS_LIMIT * 2 / 3).unwrap();
            let time = SystemTime::now() - Duration::from_hours(hours);
            file.set_modified(time).unwrap();
        }
    };
    let there = || ["old", "new"].map(|name| graphs.join(name).with_extension("resolved").exists());
    fill();
    own.trim(&own.trimmer(u64::MAX));
    assert_eq!(there(), [false, true]);
    // With a module cache that isn't the builder's own.
    fill();
    let proxy = Upstream::Folder("/proxy".into());
    let modules = ModuleUse::at(own.state.path(), &foreign.cache(), &proxy);
    foreign.trim(&ModuleTrimmer::new(modules, graphs.clone(), u64::MAX));
    assert_eq!(there(), [false, true]);
}

#[test]
fn an_interrupted_removal_leaves_nothing_to_believe() {
    let scene = Scene::new();
    let module = scene.module("a.example/m", 2);
    let cache = scene.cache();
    let never = CancellationToken::new();
    let found = ModuleCache(&cache).on_disk(&mut FolderSizes::new(), &never);
    let found = found.unwrap();
    // Interrupted at the move of the folder, whose target doesn't exist.
    take_out(ModuleCache(&cache), &found[0], &cache.join("nowhere/0")).unwrap_err();
    assert!(ModuleCache(&cache).folder(&module).exists());
    assert!(!ModuleCache(&cache).is_unpacked(&module));

    // Killed during the deletion.
    let left = cache.join(REMOVED).join("0/p");
    fs::create_dir_all(&left).unwrap();
    fs::set_permissions(&left, Permissions::from_mode(0o555)).unwrap();
    let later = SystemTime::now() + 2 * RECENT;
    scene.trimmer(0).trim(later, &never).unwrap();
    assert!(!left.exists());
    assert_eq!(scene.has([&module]), [false]);
}

#[test]
fn trimming_stops_when_it_is_told_to() {
    let scene = Scene::new();
    let module = scene.module("a.example/m", 2);
    let stop = CancellationToken::new();
    stop.cancel();
    scene.trimmer(0).trim(SystemTime::now(), &stop).unwrap();
    assert_eq!(scene.has([&module]), [true]);
}
