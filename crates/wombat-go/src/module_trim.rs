//! Keeps the module cache below its limit: removes the least recently used modules, but none that a build reads.
//!
//! A removal may be interrupted at any point: `.ziphash` is removed first, without which `go` and this program treat
//! the rest as not downloaded. The folder is moved away in one step and deleted afterwards, which takes longest, while
//! builds may fetch the module again.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    graph_trim::{GRAPHS_LIMIT, trim_graphs},
    module_cache::{ModuleCache, remove_folder},
    module_use::ModuleUse,
    modules_on_disk::{FolderSizes, OnDisk, Part},
    workshop::Workshop,
};

/// Modules used within this time stay, whatever the limit: a build that is about to start may have found them, and
/// source that was fetched to be read is read for a while.
const RECENT: Duration = Duration::from_hours(1);
/// Size after a trim, in percent of the limit, so that the next trim isn't due at once.
const TARGET: u64 = 90;
/// The folder that modules are moved to before they are deleted. `go` doesn't know it.
const REMOVED: &str = "cache/removed-by-wombat";

/// Keeps modules and stored graphs below their limits.
#[derive(Debug)]
pub struct ModuleTrimmer {
    modules: ModuleUse,
    graphs: PathBuf,
    limit: u64,
    sizes: Mutex<FolderSizes>,
}

impl Workshop {
    /// A trimmer for a module cache of at most `limit` bytes, apart from modules that running builds use.
    pub fn module_trimmer(&self, limit: u64) -> ModuleTrimmer {
        ModuleTrimmer::new(self.modules.clone(), self.graphs.folder().to_owned(), limit)
    }
}

impl ModuleTrimmer {
    fn new(modules: ModuleUse, graphs: PathBuf, limit: u64) -> Self {
        Self {
            modules,
            graphs,
            limit,
            sizes: Mutex::default(),
        }
    }

    /// Trims both, until `stop` is cancelled. Blocks for as long as it takes to read the folders of all modules.
    pub fn trim(&self, now: SystemTime, stop: &CancellationToken) -> io::Result<()> {
        let graphs = trim_graphs(&self.graphs, GRAPHS_LIMIT);
        let modules = match self.modules.trimmed() {
            Some(cache) => self.trim_modules(ModuleCache(cache), now, stop),
            None => Ok(()),
        };
        graphs.and(modules)
    }

    fn trim_modules(
        &self,
        cache: ModuleCache<'_>,
        now: SystemTime,
        stop: &CancellationToken,
    ) -> io::Result<()> {
        // One trim at a time.
        let mut sizes = self.sizes.lock();
        let removed = cache.0.join(REMOVED);
        // An earlier process may not have deleted all of it.
        remove_folder(&removed)?;
        let Some(mut modules) = cache.on_disk(&mut sizes, stop) else {
            return Ok(());
        };
        let before: u64 = modules.iter().map(|module| module.size).sum();
        if before <= self.limit {
            return Ok(());
        }
        modules.sort_by_key(|module| (module.used, module.part));
        fs::create_dir_all(&removed)?;
        let (mut left, mut failed) = (before, 0_usize);
        for (number, module) in modules.iter().enumerate() {
            let age = now.duration_since(module.used).unwrap_or_default();
            if left <= self.limit / 100 * TARGET || age < RECENT || stop.is_cancelled() {
                break;
            }
            let place = removed.join(number.to_string());
            match self.remove(cache, module, &place) {
                Ok(true) => left -= module.size,
                Ok(false) => {}
                Err(error) => {
                    let (path, version) = (module.module.path(), module.module.version());
                    debug!(path, version, %error, "can't remove a module from the cache");
                    failed += 1;
                }
            }
        }
        let limit = self.limit;
        if failed > 0 {
            warn!(
                failed,
                left, limit, "can't remove some modules from the cache"
            );
        }
        info!(before, left, limit, "trimmed the module cache");
        Ok(())
    }

    /// Removes part of a module. `false` if a build reads it, or `go` is working on it.
    fn remove(&self, cache: ModuleCache<'_>, module: &OnDisk, place: &Path) -> io::Result<bool> {
        let in_use = self.modules.in_use();
        let taken = in_use.unless_held(&module.module, || take_out(cache, module, place));
        let taken = taken.unwrap_or(Ok(false))?;
        if taken {
            remove_folder(place)?;
        }
        Ok(taken)
    }
}

/// Takes part of a module out of the cache, and moves its folder to `place`. `false` if `go` is working on it.
fn take_out(cache: ModuleCache<'_>, module: &OnDisk, place: &Path) -> io::Result<bool> {
    // `go` writes a `go.mod` without a lock, in one step; a lock would leave a file of its own.
    let _lock = match module.part {
        Part::GoMod => None,
        Part::Source => match cache.lock(&module.module)? {
            None => return Ok(false),
            lock => lock,
        },
    };
    if module.part == Part::Source {
        wombat_files::remove(&cache.file(&module.module, "ziphash"))?;
    }
    for file in &module.files {
        wombat_files::remove(file)?;
    }
    let folder = cache.folder(&module.module);
    if module.part == Part::Source && folder.exists() {
        // A read-only folder can't be moved.
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        fs::rename(&folder, place)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
