//! Keeps the folder of stored module graphs below its limit: removes the least recently used ones.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::Path,
    time::SystemTime,
};

use tracing::debug;

/// Extension of stored graphs. Earlier versions used `sealed`, also for graphs of other builders.
pub(super) const RESOLVED: &str = "resolved";
/// Size limit of all stored graphs. The graph of Redpanda Connect has about 300 KB, so there is room for the last
/// nine hundred sets of module versions; a removed graph is resolved again.
pub(super) const GRAPHS_LIMIT: u64 = 256 << 20;
/// Size after a trim, in percent of the limit, so that the next trim isn't due at once.
const TARGET: u64 = 90;

/// Marks a graph as used now. After a failure it is only removed too early.
pub(super) fn mark_used(file: &Path) {
    drop(File::open(file).and_then(|file| file.set_modified(SystemTime::now())));
}

/// Removes graphs until the others take less than `limit` bytes. Running builds have already read theirs.
pub(super) fn trim_graphs(folder: &Path, limit: u64) -> io::Result<()> {
    let mut graphs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() != Some(OsStr::new(RESOLVED)) {
            continue;
        }
        // A build may have removed it in between.
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        graphs.push((used, metadata.len(), path));
    }
    let mut left: u64 = graphs.iter().map(|(_, size, _)| size).sum();
    if left <= limit {
        return Ok(());
    }
    graphs.sort_unstable();
    for (_, size, path) in graphs {
        if left <= limit / 100 * TARGET {
            break;
        }
        wombat_files::remove(&path)?;
        left -= size;
    }
    debug!(folder = %folder.display(), left, limit, "trimmed the stored module graphs");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn graphs_that_were_used_last_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).with_extension(RESOLVED);
        for (name, hours) in [("old", 3), ("older", 4), ("oldest", 5)] {
            fs::write(file(name), [0_u8; 1000]).unwrap();
            let time = SystemTime::now() - Duration::from_hours(hours);
            let file = File::open(file(name)).unwrap();
            file.set_modified(time).unwrap();
        }
        let other = folder.path().join(".new-1");
        fs::write(&other, [0_u8; 1000]).unwrap();
        let there = || ["old", "older", "oldest"].map(|name| file(name).exists());

        trim_graphs(folder.path(), 3000).unwrap();
        assert_eq!(there(), [true, true, true], "there is room");
        mark_used(&file("oldest"));
        trim_graphs(folder.path(), 2500).unwrap();
        assert_eq!(there(), [true, false, true]);
        trim_graphs(folder.path(), 0).unwrap();
        assert_eq!(there(), [false, false, false]);
        assert!(other.exists(), "it is being written");
    }
}
