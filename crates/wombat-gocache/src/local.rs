//! The local part of the cache: a folder in the layout of Go's own compile cache, so that Go can use it without a
//! helper.
//!
//! `<xx>/<action>-a` is one line with the output's id and size, `<xx>/<output>-d` holds the output; `<xx>` are the
//! first two digits. Files are created by a rename, the output before the line that names it, so a process that dies
//! leaves at worst an output without a line. Any number of processes may use one folder.
//!
//! Nothing is synced: there are thousands of files, and all can be made again. A machine that loses power may leave
//! files of the right size with wrong content. So files that weren't written or verified since the builder started are
//! verified before use; their change time tells.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads and the helper process alone"
)]

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sha2::Digest as _;
use tempfile::NamedTempFile;

use super::id::{ActionId, OutputId};

/// Precision of a file's modification time, which stands for its last use; a write for each use would cost too much.
const PRECISION: Duration = Duration::from_mins(10);
/// Bytes to read at a time.
const BUFFER: usize = 64 * 1024;

/// A result and its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) output: OutputId,
    pub(crate) size: u64,
    pub(crate) path: PathBuf,
}

/// A cache folder.
#[derive(Clone, Debug)]
pub struct LocalCache {
    folder: PathBuf,
    /// Files that changed before this are verified first.
    believed_from: SystemTime,
}

impl LocalCache {
    /// The cache in this folder, which may not exist yet. Trusts files that change from now on.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            believed_from: SystemTime::now(),
        }
    }

    /// The same cache, but it trusts files that changed, or were verified by another process, since then.
    pub(crate) fn believing_from(self, believed_from: SystemTime) -> Self {
        Self {
            believed_from,
            ..self
        }
    }

    /// Files that changed since then are trusted.
    pub(crate) fn believed_from(&self) -> SystemTime {
        self.believed_from
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The result of an action, if it is whole. Counts as a use.
    pub(crate) fn find(&self, action: &ActionId) -> Option<Found> {
        let line = self.file(&action.to_string(), 'a');
        let text = read_short(&line)?;
        let found = self.parse(action, &text)?;
        let metadata = fs::metadata(&found.path).ok()?;
        if metadata.len() != found.size {
            return None;
        }
        if changed(&metadata) < self.believed_from {
            return read_through(&line, found);
        }
        let used = metadata.modified().ok()?;
        if used.elapsed().is_ok_and(|age| age > PRECISION) {
            let now = SystemTime::now();
            for path in [&line, &found.path] {
                // The file may be removed just now; then the compiler reports it.
                drop(File::open(path).and_then(|file| file.set_modified(now)));
            }
        }
        Some(found)
    }

    /// Whether [`Self::find`] would find it.
    pub(crate) fn has(&self, action: &ActionId) -> bool {
        self.find(action).is_some()
    }

    /// Stores a result. Fails with `InvalidData` if the bytes don't match `output`.
    pub(crate) fn put(
        &self,
        action: &ActionId,
        output: OutputId,
        size: u64,
        body: &mut (impl Read + ?Sized),
    ) -> io::Result<Found> {
        let path = self.file(&output.to_string(), 'd');
        let mut file = self.unfinished(&path)?;
        let mut hasher = sha2::Sha256::new();
        let mut buffer =
            vec![0; usize::try_from(size).map_or(BUFFER, |size| size.clamp(1, BUFFER))];
        let mut written = 0;
        loop {
            let count = body.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count])?;
            written += count as u64;
        }
        if written != size || hasher.finalize()[..] != output.as_bytes()[..] {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the result doesn't match its id",
            ));
        }
        // The same output may exist and be in use; a rename doesn't disturb processes that have it open.
        file.persist(&path)?;
        let nanoseconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let line = self.file(&action.to_string(), 'a');
        let mut file = self.unfinished(&line)?;
        let text = format!("v1 {action} {output} {size:20} {nanoseconds:20}\n");
        file.write_all(text.as_bytes())?;
        file.persist(&line)?;
        Ok(Found { output, size, path })
    }

    fn file(&self, name: &str, kind: char) -> PathBuf {
        self.folder.join(&name[..2]).join(format!("{name}-{kind}"))
    }

    /// A file that becomes `path` once it is complete.
    fn unfinished(&self, path: &Path) -> io::Result<NamedTempFile> {
        let folder = path.parent().unwrap_or(&self.folder);
        let builder = || {
            tempfile::Builder::new()
                .prefix(".part-")
                .tempfile_in(folder)
        };
        match builder() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder)?;
                builder()
            }
            result => result,
        }
    }

    fn parse(&self, action: &ActionId, text: &str) -> Option<Found> {
        let mut words = text.split_ascii_whitespace();
        let (version, named, output, size) =
            (words.next()?, words.next()?, words.next()?, words.next()?);
        if version != "v1" || named != action.to_string() || words.count() != 1 {
            return None;
        }
        let output = OutputId::from_hex(output).ok()?;
        Some(Found {
            output,
            size: size.parse().ok()?,
            path: self.file(&output.to_string(), 'd'),
        })
    }
}

/// Verifies a result, and marks it so that this happens only once.
fn read_through(line: &Path, found: Found) -> Option<Found> {
    let mut file = File::open(&found.path).ok()?;
    let mut hasher = sha2::Sha256::new();
    io::copy(&mut file, &mut hasher).ok()?;
    if hasher.finalize()[..] != found.output.as_bytes()[..] {
        // This may fail in a folder that is read-only here; the miss then leads to a new result elsewhere.
        drop(fs::remove_file(line).and_then(|()| fs::remove_file(&found.path)));
        return None;
    }
    let now = SystemTime::now();
    drop(file.set_modified(now));
    drop(File::open(line).and_then(|file| file.set_modified(now)));
    Some(found)
}

/// When a file's content, name or times changed last. Unlike its other times it can't be set.
fn changed(metadata: &Metadata) -> SystemTime {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

/// Reads a file that should hold just one line.
fn read_short(path: &Path) -> Option<String> {
    let mut buffer = [0; 256];
    let mut file = File::open(path).ok()?;
    let count = file.read(&mut buffer).ok()?;
    std::str::from_utf8(&buffer[..count])
        .ok()
        .map(str::to_owned)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn output_of(bytes: &[u8]) -> OutputId {
        OutputId::from_bytes(sha2::Sha256::digest(bytes).into())
    }

    pub(crate) fn action(n: u8) -> ActionId {
        ActionId::from_bytes([n; 32])
    }

    #[test]
    fn what_was_put_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LocalCache::new(folder.path().join("cache"));
        assert_eq!(cache.find(&action(1)), None);
        let body = b"compiled";
        let put = cache
            .put(&action(1), output_of(body), 8, &mut &body[..])
            .unwrap();
        assert_eq!(cache.find(&action(1)), Some(put.clone()));
        assert_eq!(fs::read(&put.path).unwrap(), body);
        assert_eq!(cache.find(&action(2)), None);
    }

    #[test]
    fn other_bytes_than_named_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LocalCache::new(folder.path());
        let right = output_of(b"right");
        for (size, body) in [(5, &b"wrong"[..]), (5, b"righ"), (4, b"right")] {
            let refused = cache.put(&action(1), right, size, &mut &body[..]);
            assert_eq!(
                refused.unwrap_err().kind(),
                io::ErrorKind::InvalidData,
                "{body:?}"
            );
        }
        assert_eq!(cache.find(&action(1)), None);
        let files = fs::read_dir(folder.path()).unwrap().flatten();
        let left = files.flat_map(|entry| fs::read_dir(entry.path()).unwrap());
        assert_eq!(left.count(), 0, "no unfinished file stays");
    }

    #[test]
    fn what_is_cut_or_of_another_action_is_a_miss() {
        let folder = tempfile::tempdir().unwrap();
        let cache = LocalCache::new(folder.path());
        let body = b"compiled";
        let put = cache
            .put(&action(1), output_of(body), 8, &mut &body[..])
            .unwrap();
        let line = cache.file(&action(1).to_string(), 'a');
        let other = cache.file(&action(2).to_string(), 'a');
        fs::create_dir_all(other.parent().unwrap()).unwrap();
        fs::copy(&line, &other).unwrap();
        assert_eq!(cache.find(&action(2)), None);
        fs::write(&put.path, "comp").unwrap();
        assert_eq!(cache.find(&action(1)), None);
        fs::write(&line, "v1 ").unwrap();
        assert_eq!(cache.find(&action(1)), None);
    }

    #[test]
    fn what_was_there_before_the_start_is_read_through_once() {
        let folder = tempfile::tempdir().unwrap();
        let before = LocalCache::new(folder.path());
        let body = b"compiled";
        let put = |n| before.put(&action(n), output_of(&[n; 8]), 8, &mut &[n; 8][..]);
        let (whole, damaged) = (put(1).unwrap(), put(2).unwrap());
        fs::write(&damaged.path, [0; 8]).unwrap();
        // File times lag behind the clock a little.
        let start = SystemTime::now() + Duration::from_millis(50);
        let after = LocalCache::new(folder.path()).believing_from(start);
        assert_eq!(after.find(&action(2)), None, "right size, other bytes");
        assert!(!damaged.path.exists(), "it can be made anew");
        while SystemTime::now() < start + Duration::from_millis(50) {
            std::thread::yield_now();
        }
        assert_eq!(after.find(&action(1)), Some(whole.clone()));
        let marked = changed(&fs::metadata(&whole.path).unwrap());
        assert!(marked >= start, "it isn't read through again");
        let put = after.put(&action(3), output_of(body), 8, &mut &body[..]);
        assert_eq!(after.find(&action(3)), put.ok());
    }

    #[test]
    fn go_reads_what_we_write() {
        // Go checks the width of the numbers.
        let folder = tempfile::tempdir().unwrap();
        let cache = LocalCache::new(folder.path());
        let body = b"compiled";
        cache
            .put(&action(1), output_of(body), 8, &mut &body[..])
            .unwrap();
        let text = fs::read_to_string(cache.file(&action(1).to_string(), 'a')).unwrap();
        assert_eq!(text.len(), 2 + 1 + 64 + 1 + 64 + 1 + 20 + 1 + 20 + 1);
    }
}
