//! Keeps a cache folder below its limit: removes the least recently used files.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tracing::{debug, info};

/// Files used within this time stay: a build may be about to read them, and Go updates their times only once an hour.
const IN_USE: Duration = Duration::from_mins(90);
/// Age of an incomplete file after which its process is certainly gone.
const UNFINISHED: Duration = Duration::from_hours(2);
/// Size of the folder after a trim, in percent of its limit, so that the next trim isn't due at once.
const TARGET: u64 = 90;

/// Removes files until the folder takes less than `limit` bytes; returns its size afterwards.
pub fn trim(folder: &Path, limit: u64, now: SystemTime) -> io::Result<u64> {
    let mut files = Vec::new();
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let of_cache = name.len() == 2
            && name
                .to_string_lossy()
                .bytes()
                .all(|b| b.is_ascii_hexdigit());
        if !of_cache {
            continue;
        }
        for file in fs::read_dir(entry.path())?.flatten() {
            let Ok(metadata) = file.metadata() else {
                continue;
            };
            let used = metadata.modified().unwrap_or(now);
            let age = now.duration_since(used).unwrap_or_default();
            if file.file_name().to_string_lossy().starts_with(".part-") {
                if age > UNFINISHED {
                    remove(&file.path());
                }
                continue;
            }
            total += metadata.len();
            files.push((age, metadata.len(), file.path()));
        }
    }
    if total <= limit {
        return Ok(total);
    }
    files.sort_unstable_by_key(|(age, _, _)| std::cmp::Reverse(*age));
    let before = total;
    for (age, size, path) in files {
        if total <= limit / 100 * TARGET || age < IN_USE {
            break;
        }
        remove(&path);
        total -= size;
    }
    info!(folder = %folder.display(), before, after = total, limit, "trimmed the compile cache");
    Ok(total)
}

fn remove(path: &PathBuf) {
    if let Err(error) = fs::remove_file(path) {
        debug!(path = %path.display(), %error, "can't remove a file of the compile cache");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::{
        LocalCache,
        tests::{action, output_of},
    };

    #[test]
    fn what_was_used_last_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LocalCache::new(folder.path());
        let now = SystemTime::now();
        let hour = Duration::from_hours(1);
        for n in 0..4_u8 {
            let body = [n; 1000];
            let put = cache
                .put(&action(n), output_of(&body), 1000, &mut &body[..])
                .unwrap();
            let file = fs::File::open(&put.path).unwrap();
            file.set_modified(now - hour * (10 - u32::from(n))).unwrap();
        }
        assert!(
            trim(folder.path(), 1 << 20, now).unwrap() > 4000,
            "there is room"
        );
        let left = trim(folder.path(), 3300, now).unwrap();
        assert!(left < 3300, "{left}");
        let found: Vec<bool> = (0..4).map(|n| cache.find(&action(n)).is_some()).collect();
        assert_eq!(found, [false, false, true, true]);
    }

    #[test]
    fn what_is_in_use_stays_whatever_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LocalCache::new(folder.path());
        let body = [1; 1000];
        cache
            .put(&action(1), output_of(&body), 1000, &mut &body[..])
            .unwrap();
        fs::write(folder.path().join("README"), "not of the cache").unwrap();
        trim(folder.path(), 10, SystemTime::now()).unwrap();
        assert!(cache.find(&action(1)).is_some());
        assert!(folder.path().join("README").exists());
    }
}
