//! Go's module cache, read without `go`: where a module is, whether it was unpacked completely, and whether it still
//! matches its checksum.
//!
//! `go` unpacks a module into `<module>@<version>` while `cache/download/<module>/@v/<version>.partial` exists; before
//! that it writes `<version>.ziphash`, the checksum. It never verifies an unpacked module again, and syncs nothing.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    collections::BTreeSet,
    fs::{self, DirEntry, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    dir_hash,
    size_limit::{FileError, GO_MOD, ZIP_HASH},
};

/// The files that `go` stores for a version beside its folder; the checksum is removed before its archive.
const KEPT: [&str; 4] = ["ziphash", "zip", "mod", "info"];

/// A version of a module, with its names on disk and in checksums.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CachedModule {
    path: String,
    version: String,
}

impl CachedModule {
    pub(super) fn new(path: impl AsRef<str>, version: impl AsRef<str>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            version: version.as_ref().to_owned(),
        }
    }

    /// The same from names on disk, where upper-case letters are escaped.
    pub(super) fn from_escaped(path: &str, version: &str) -> Self {
        Self::new(unescape(path), unescape(version))
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Its paths at a module proxy.
    pub(super) fn proxy_paths(&self) -> [String; 3] {
        let base = format!("{}/@v/{}", escape(&self.path), escape(&self.version));
        ["info", "mod", "zip"].map(|kind| format!("{base}.{kind}"))
    }
}

/// A module cache. All methods block.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModuleCache<'a>(pub(super) &'a Path);

impl ModuleCache<'_> {
    /// The folder of an unpacked module.
    pub(super) fn folder(self, module: &CachedModule) -> PathBuf {
        let CachedModule { path, version } = module;
        self.0.join(format!("{}@{}", escape(path), escape(version)))
    }

    /// A file of the module's download.
    pub(super) fn file(self, module: &CachedModule, kind: &str) -> PathBuf {
        let folder = self.0.join("cache/download").join(escape(&module.path));
        let version = escape(&module.version);
        folder.join("@v").join(format!("{version}.{kind}"))
    }

    /// Whether the module is unpacked completely, as `go` itself sees it.
    pub(super) fn is_unpacked(self, module: &CachedModule) -> bool {
        self.folder(module).is_dir()
            && !self.file(module, "partial").exists()
            && self.file(module, "ziphash").is_file()
    }

    /// Whether the unpacked module still matches its checksum. Reads all of it: a tenth of a second for a large module.
    pub(super) fn is_intact(self, module: &CachedModule) -> bool {
        let folder = self.folder(module);
        let Ok(sum) = ZIP_HASH.read_text(&self.file(module, "ziphash")) else {
            return false;
        };
        let prefix = format!("{}@{}", module.path, module.version);
        let found = dir_hash::of_folder(&folder, &prefix);
        found.is_ok_and(|found| found == sum.trim()) && self.go_mod_is_the_same(module)
    }

    /// Whether the `go.mod` that `go` reads is the module's own. For a module without one, `go` generates a line.
    fn go_mod_is_the_same(self, module: &CachedModule) -> bool {
        let read = match GO_MOD.read(&self.file(module, "mod")) {
            Ok(read) => read,
            // It is fetched on demand.
            Err(FileError::Io(_)) => return true,
            Err(FileError::TooLarge(_)) => return false,
        };
        match GO_MOD.read(&self.folder(module).join("go.mod")) {
            Ok(own) => own == read,
            Err(_) => !wombat_files::is_blank(&read),
        }
    }

    /// Removes a module from the cache, with all its files, so that it is fetched again. `false` if `go` is working on
    /// it, so that it stays.
    pub(super) fn set_aside(self, module: &CachedModule) -> io::Result<bool> {
        let Some(_lock) = self.lock(module)? else {
            return Ok(false);
        };
        self.remove_locked(module)?;
        Ok(true)
    }

    /// The same for a module whose lock is held.
    pub(super) fn remove_locked(self, module: &CachedModule) -> io::Result<()> {
        // If this is interrupted, `go` treats the rest as not unpacked completely.
        let partial = self.file(module, "partial");
        File::create(&partial)?;
        remove_folder(&self.folder(module))?;
        for kind in KEPT {
            wombat_files::remove(&self.file(module, kind))?;
        }
        wombat_files::remove(&partial)
    }

    /// Takes the lock that `go` itself uses, until the file is dropped. `None` if `go` is working on the module.
    pub(super) fn lock(self, module: &CachedModule) -> io::Result<Option<File>> {
        let path = self.file(module, "lock");
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        Ok(lock.try_lock().is_ok().then_some(lock))
    }

    /// Removes the local data of checksum databases; `go` fetches it again.
    pub(super) fn forget_checksum_databases(self) -> io::Result<()> {
        remove_folder(&self.0.join("cache/download/sumdb"))
    }

    /// All downloaded modules, unpacked or not.
    pub(super) fn modules(self) -> Vec<CachedModule> {
        let mut found = BTreeSet::new();
        for (path, files) in self.downloads() {
            for file in files {
                let name = file.file_name();
                let name = name.to_string_lossy();
                let version = ["zip", "ziphash", "partial"]
                    .iter()
                    .find_map(|kind| name.strip_suffix(&format!(".{kind}")));
                found.extend(version.map(|version| CachedModule::from_escaped(&path, version)));
            }
        }
        found.into_iter().collect()
    }

    /// The escaped path of each downloaded module, with the files of its versions.
    pub(super) fn downloads(self) -> impl Iterator<Item = (String, Vec<DirEntry>)> {
        let root = self.0.join("cache/download");
        let databases = root.join("sumdb");
        let mut waiting = vec![root.clone()];
        std::iter::from_fn(move || {
            loop {
                let folder = waiting.pop()?;
                let (folders, files): (Vec<_>, Vec<_>) = entries(&folder).partition(is_folder);
                let below = folders.iter().map(DirEntry::path);
                waiting.extend(below.filter(|path| *path != databases));
                let module = folder.strip_prefix(&root).ok().and_then(Path::to_str);
                if let Some(path) = module.and_then(|module| module.strip_suffix("/@v")) {
                    return Some((path.to_owned(), files));
                }
            }
        })
    }
}

/// The entries of a folder. Unreadable ones are left out.
pub(super) fn entries(folder: &Path) -> impl Iterator<Item = DirEntry> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

/// Whether an entry is a folder. Doesn't follow links, which lead elsewhere.
pub(super) fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

/// Escapes upper-case letters, so that no two names collide on a case-insensitive file system.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
        escaped
    })
}

fn unescape(text: &str) -> String {
    let mut marked = false;
    text.chars().fold(String::new(), |mut plain, c| {
        match c {
            '!' => marked = true,
            c if marked => {
                plain.push(c.to_ascii_uppercase());
                marked = false;
            }
            c => plain.push(c),
        }
        plain
    })
}

/// Removes a folder whose subfolders are read-only, as `go` leaves them.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    fs::remove_dir_all(folder)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A module of these files, as `go` leaves it.
    pub(crate) fn unpack(cache: &Path, module: &CachedModule, files: &[(&str, &str)]) {
        let folder = ModuleCache(cache).folder(module);
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let sum = ModuleCache(cache).file(module, "ziphash");
        fs::create_dir_all(sum.parent().unwrap()).unwrap();
        let prefix = format!("{}@{}", module.path, module.version);
        fs::write(sum, dir_hash::of_folder(&folder, &prefix).unwrap()).unwrap();
    }

    #[test]
    fn names_are_escaped_as_go_does() {
        let module = CachedModule::new("github.com/Azure/go/v2", "v2.0.0-RC1");
        assert_eq!(
            ModuleCache(Path::new("/m")).folder(&module),
            Path::new("/m/github.com/!azure/go/v2@v2.0.0-!r!c1")
        );
        assert_eq!(
            CachedModule::from_escaped("github.com/!azure/go/v2", "v2.0.0-!r!c1"),
            module
        );
    }

    #[test]
    fn a_module_is_there_when_go_was_done_with_it() {
        let cache = tempfile::tempdir().unwrap();
        let modules = ModuleCache(cache.path());
        let module = CachedModule::new("a.example/M", "v1.0.0");
        assert!(!modules.is_unpacked(&module));
        unpack(cache.path(), &module, &[("p/p.go", "package p\n")]);
        assert!(modules.is_unpacked(&module) && modules.is_intact(&module));
        assert_eq!(modules.modules(), std::slice::from_ref(&module));
        fs::write(modules.file(&module, "partial"), "").unwrap();
        assert!(!modules.is_unpacked(&module));
        fs::remove_file(modules.file(&module, "partial")).unwrap();
        fs::remove_file(modules.file(&module, "ziphash")).unwrap();
        assert!(!modules.is_unpacked(&module));
    }

    #[test]
    fn a_changed_module_is_seen_and_goes_with_everything() {
        let cache = tempfile::tempdir().unwrap();
        let modules = ModuleCache(cache.path());
        let module = CachedModule::new("a.example/m", "v1.0.0");
        let text = "package p\n";
        for damaged in ["", "packa", "\0\0\0\0\0\0\0\0\0\0"] {
            unpack(cache.path(), &module, &[("p/p.go", text)]);
            let folder = modules.folder(&module);
            fs::write(folder.join("p/p.go"), damaged).unwrap();
            assert!(!modules.is_intact(&module), "{damaged:?}");
            fs::set_permissions(folder.join("p"), Permissions::from_mode(0o555)).unwrap();
            assert!(modules.set_aside(&module).unwrap());
            assert!(!folder.exists() && modules.modules().is_empty());
        }
        unpack(cache.path(), &module, &[("go.mod", "module a.example/m\n")]);
        fs::write(modules.file(&module, "mod"), "module a.exa").unwrap();
        assert!(!modules.is_intact(&module));
    }

    #[test]
    fn what_go_works_on_is_left_alone() {
        let cache = tempfile::tempdir().unwrap();
        let modules = ModuleCache(cache.path());
        let module = CachedModule::new("a.example/m", "v1.0.0");
        unpack(cache.path(), &module, &[("p.go", "package p\n")]);
        let lock = File::create(modules.file(&module, "lock")).unwrap();
        lock.lock().unwrap();
        assert!(!modules.set_aside(&module).unwrap());
        assert!(modules.is_intact(&module));
    }
}
