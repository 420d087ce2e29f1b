//! Keeps answers on disk, so that a build can be repeated while the proxy is unavailable.
//!
//! A file is named by the digest of the query's path, in a folder named by its first two digits. It is created by a
//! rename once it is complete, and ends with the SHA-256 of its content: a file damaged by a crash counts as missing,
//! and is fetched again. `go` itself checks that modules are as published, as it does with a proxy's answer.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::query::Query;

/// Bytes of the digest at the end.
const TAIL: u64 = 32;

/// A folder of answers. All methods block.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// An answer: the first `size` bytes of the file.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) file: File,
    pub(super) size: u64,
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The stored answer, if it exists and is intact. Counts as a use.
    pub(super) fn find(&self, query: &Query) -> Option<Answer> {
        let mut file = File::open(self.path(query)).ok()?;
        let Ok(Some(size)) = content(&mut file) else {
            tracing::debug!(
                path = query.path(),
                "a stored answer is damaged; fetching it again"
            );
            self.forget(query.path());
            return None;
        };
        // The time finds the least recently used files; a failure here only makes this one go too early.
        drop(file.set_modified(SystemTime::now()));
        Some(Answer { file, size })
    }

    /// A file for an answer, to be stored with [`Self::keep`].
    pub(super) fn unfinished(&self, query: &Query) -> io::Result<NamedTempFile> {
        let path = self.path(query);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        tempfile::Builder::new()
            .prefix(".part-")
            .tempfile_in(folder)
    }

    /// Stores an answer.
    pub(super) fn keep(&self, query: &Query, mut file: NamedTempFile) -> io::Result<Answer> {
        let size = file.as_file().metadata()?.len();
        let digest = digest(file.as_file_mut(), size)?;
        file.seek(SeekFrom::Start(size))?;
        file.write_all(&digest)?;
        let file = file.persist(self.path(query))?;
        Ok(Answer { file, size })
    }

    /// An answer that isn't stored.
    pub(super) fn pass_on(file: NamedTempFile) -> io::Result<Answer> {
        let file = file.into_file();
        let size = file.metadata()?.len();
        Ok(Answer { file, size })
    }

    pub(super) fn forget(&self, path: &str) {
        if let Err(error) = wombat_files::remove(&self.path_of(path)) {
            tracing::warn!(path, %error, "can't remove a stored answer of the module proxy");
        }
    }

    fn path(&self, query: &Query) -> PathBuf {
        self.path_of(query.path())
    }

    fn path_of(&self, path: &str) -> PathBuf {
        let name = hex::encode(Sha256::digest(path));
        self.folder.join(&name[..2]).join(name)
    }
}

/// The size of the content, if it matches the digest after it.
fn content(file: &mut File) -> io::Result<Option<u64>> {
    let Some(size) = file.metadata()?.len().checked_sub(TAIL) else {
        return Ok(None);
    };
    let found = digest(file, size)?;
    let mut tail = Vec::new();
    file.take(TAIL + 1).read_to_end(&mut tail)?;
    Ok((found[..] == tail[..]).then_some(size))
}

/// SHA-256 of the first `size` bytes; the file's position is behind them afterwards.
fn digest(file: &mut File, size: u64) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut file.take(size), &mut hasher)?;
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned()).unwrap();
        let query = Query::parse("a.example/m/@v/v1.0.0.mod").unwrap();
        let keep = |text: &[u8]| {
            let mut file = cache.unfinished(&query).unwrap();
            file.write_all(text).unwrap();
            cache.keep(&query, file).unwrap()
        };
        for text in [&b""[..], b"module a.example/m\n"] {
            keep(text);
            let mut found = cache.find(&query).unwrap();
            found.file.seek(SeekFrom::Start(0)).unwrap();
            let mut read = Vec::new();
            found.file.take(found.size).read_to_end(&mut read).unwrap();
            assert_eq!(read, text);
        }
        let path = cache.path(&query);
        let whole = fs::read(&path).unwrap();
        // The last one is as v0.1.0 stored it.
        for left in [
            &b""[..],
            &whole[..whole.len() / 2],
            &vec![0; whole.len()],
            b"module a.example/m\n",
        ] {
            fs::write(&path, left).unwrap();
            assert!(cache.find(&query).is_none(), "{left:?}");
            assert!(!path.exists());
            keep(b"module a.example/m\n");
        }
    }
}
