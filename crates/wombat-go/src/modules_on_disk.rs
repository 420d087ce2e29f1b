//! The contents of a module cache: each part of each module version, with its size on disk and its last use.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    mem,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tokio_util::sync::CancellationToken;

use super::module_cache::{CachedModule, ModuleCache, entries, is_folder};

/// Bytes of a block, in which the file system counts.
const BLOCK: u64 = 512;

/// A part of a module version that is removed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The archive with its checksum, and the unpacked folder.
    Source,
    /// Its requirements and its publication date. Small, and often there for modules whose source no build needs.
    GoMod,
}

/// A part of a module version on disk.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) module: CachedModule,
    pub(super) part: Part,
    pub(super) used: SystemTime,
    pub(super) size: u64,
    /// Its files in the download folder.
    pub(super) files: Vec<PathBuf>,
}

/// Sizes of unpacked modules. They don't change, and measuring one means reading the metadata of every file.
pub(super) type FolderSizes = BTreeMap<CachedModule, u64>;

type Found = BTreeMap<(CachedModule, Part), OnDisk>;

impl OnDisk {
    fn new((module, part): (CachedModule, Part)) -> Self {
        Self {
            module,
            part,
            used: SystemTime::UNIX_EPOCH,
            size: 0,
            files: Vec::new(),
        }
    }

    fn used_at(&mut self, metadata: &Metadata) {
        if let Ok(changed) = metadata.modified() {
            self.used = self.used.max(changed);
        }
    }
}

impl ModuleCache<'_> {
    /// All parts, a module's source before its `go.mod`. `None` if `stop` came first.
    pub(super) fn on_disk(
        self,
        sizes: &mut FolderSizes,
        stop: &CancellationToken,
    ) -> Option<Vec<OnDisk>> {
        if stop.is_cancelled() {
            return None;
        }
        let mut found = Found::new();
        self.find_downloads(&mut found, stop)?;
        self.find_folders(&mut found, sizes, stop)?;
        let mut all: Vec<OnDisk> = Vec::with_capacity(found.len());
        for (_, mut next) in found {
            // A build that uses a module's source also reads its `go.mod`.
            if let Some(source) = all.last()
                && source.module == next.module
            {
                next.used = next.used.max(source.used);
            }
            all.push(next);
        }
        Some(all)
    }

    fn find_downloads(self, found: &mut Found, stop: &CancellationToken) -> Option<()> {
        for (path, files) in self.downloads() {
            if stop.is_cancelled() {
                return None;
            }
            for file in files {
                let name = file.file_name();
                let part = name.to_str().and_then(part_of);
                let (Some((version, part)), Ok(metadata)) = (part, file.metadata()) else {
                    continue;
                };
                let key = (CachedModule::from_escaped(&path, version), part);
                let module = found.entry(key.clone()).or_insert_with(|| OnDisk::new(key));
                module.used_at(&metadata);
                module.size += taken(&metadata);
                module.files.push(file.path());
            }
        }
        Some(())
    }

    fn find_folders(
        self,
        found: &mut Found,
        sizes: &mut FolderSizes,
        stop: &CancellationToken,
    ) -> Option<()> {
        let downloads = self.0.join("cache");
        let known = mem::take(sizes);
        let mut waiting = vec![self.0.to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in entries(&folder) {
                let path = entry.path();
                if !is_folder(&entry) || path == downloads {
                    continue;
                }
                if stop.is_cancelled() {
                    return None;
                }
                let below = path.strip_prefix(self.0).ok().and_then(Path::to_str);
                let Some((name, version)) = below.and_then(|below| below.rsplit_once('@')) else {
                    waiting.push(path);
                    continue;
                };
                let key = (CachedModule::from_escaped(name, version), Part::Source);
                // A module that `go` is unpacking still grows.
                let whole = self.is_unpacked(&key.0);
                let size = match known.get(&key.0) {
                    Some(size) if whole => *size,
                    Some(_) | None => measured(&path),
                };
                if whole {
                    sizes.insert(key.0.clone(), size);
                }
                let module = found.entry(key.clone()).or_insert_with(|| OnDisk::new(key));
                module.size += size;
                // A folder without a download was left by a crash, and only its own time shows its age.
                if let (true, Ok(metadata)) = (module.files.is_empty(), entry.metadata()) {
                    module.used_at(&metadata);
                }
            }
        }
        Some(())
    }
}

/// The version and the part that a downloaded file belongs to. `None` for files that stay, such as locks.
fn part_of(name: &str) -> Option<(&str, Part)> {
    if let Some((version, kind)) = name.rsplit_once(".zip") {
        // The archive, its checksum, and the rest of a killed download.
        let known = matches!(kind, "" | "hash") || kind.strip_suffix(".tmp").is_some();
        return known.then_some((version, Part::Source));
    }
    let (version, kind) = name.rsplit_once('.')?;
    match kind {
        "partial" => Some((version, Part::Source)),
        "mod" | "info" => Some((version, Part::GoMod)),
        _ => None,
    }
}

/// The size of a folder with its contents.
fn measured(folder: &Path) -> u64 {
    let mut total = fs::metadata(folder).map_or(0, |metadata| taken(&metadata));
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in entries(&folder) {
            total += entry.metadata().map_or(0, |metadata| taken(&metadata));
            if is_folder(&entry) {
                waiting.push(entry.path());
            }
        }
    }
    total
}

/// Size in whole blocks, which matters for sources, whose files are mostly small.
fn taken(metadata: &Metadata) -> u64 {
    let blocks = metadata.blocks() * BLOCK;
    if metadata.is_dir() {
        blocks
    } else {
        // Some file systems allocate a file's blocks later.
        blocks.max(metadata.len())
    }
}

#[cfg(test)]
mod tests;
