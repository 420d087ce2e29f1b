//! What was fetched stays on disk, so that a build repeats while the proxy is away.
//!
//! A file is named by the digest of the path that was asked for, below a folder named by the first two digits. It comes into
//! being whole, by a rename, and ends with the SHA-256 of what is before that: one that a crash damaged isn't there, and is
//! fetched again. Whether it is what its author published is for `go` to check, as with a proxy's answer.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::asked::Asked;

/// Bytes of the digest at the end.
const TAIL: u64 = 32;

/// A folder of answers. All of this blocks.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    folder: PathBuf,
}

/// An answer: so many bytes from the file's beginning.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) file: File,
    pub(super) size: u64,
}

impl Kept {
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The answer, if it is here and whole. Counts as a use.
    pub(super) fn find(&self, asked: &Asked) -> Option<Answer> {
        let mut file = File::open(self.path(asked)).ok()?;
        let Ok(Some(size)) = content(&mut file) else {
            tracing::debug!(
                path = asked.path(),
                "a kept answer is damaged; fetching it again"
            );
            self.forget(asked.path());
            return None;
        };
        // By this the least recently used ones are found; without it they go a little too early.
        drop(file.set_modified(SystemTime::now()));
        Some(Answer { file, size })
    }

    /// A file that becomes the answer once it is whole.
    pub(super) fn unfinished(&self, asked: &Asked) -> io::Result<NamedTempFile> {
        let path = self.path(asked);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        tempfile::Builder::new()
            .prefix(".part-")
            .tempfile_in(folder)
    }

    pub(super) fn keep(&self, asked: &Asked, mut file: NamedTempFile) -> io::Result<Answer> {
        let size = file.as_file().metadata()?.len();
        let digest = digest(file.as_file_mut(), size)?;
        file.seek(SeekFrom::Start(size))?;
        file.write_all(&digest)?;
        let file = file.persist(self.path(asked))?;
        Ok(Answer { file, size })
    }

    pub(super) fn forget(&self, path: &str) {
        if let Err(error) = wombat_files::remove(&self.path_of(path)) {
            tracing::warn!(path, %error, "can't forget an answer of the module proxy");
        }
    }

    fn path(&self, asked: &Asked) -> PathBuf {
        self.path_of(asked.path())
    }

    fn path_of(&self, path: &str) -> PathBuf {
        let name = hex::encode(Sha256::digest(path));
        self.folder.join(&name[..2]).join(name)
    }
}

/// The size of the content, if it is what the digest after it says.
fn content(file: &mut File) -> io::Result<Option<u64>> {
    let Some(size) = file.metadata()?.len().checked_sub(TAIL) else {
        return Ok(None);
    };
    let found = digest(file, size)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    Ok((found[..] == tail[..]).then_some(size))
}

/// SHA-256 of the first `size` bytes, after which the file is read on.
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
        let kept = Kept::new(folder.path().to_owned()).unwrap();
        let asked = Asked::parse("a.example/m/@v/v1.0.0.mod").unwrap();
        let keep = |text: &[u8]| {
            let mut file = kept.unfinished(&asked).unwrap();
            file.write_all(text).unwrap();
            kept.keep(&asked, file).unwrap()
        };
        for text in [&b""[..], b"module a.example/m\n"] {
            keep(text);
            let mut found = kept.find(&asked).unwrap();
            found.file.seek(SeekFrom::Start(0)).unwrap();
            let mut read = Vec::new();
            found.file.take(found.size).read_to_end(&mut read).unwrap();
            assert_eq!(read, text);
        }
        let path = kept.path(&asked);
        let whole = fs::read(&path).unwrap();
        // The last one is as v0.1.0 kept it.
        for left in [
            &b""[..],
            &whole[..whole.len() / 2],
            &vec![0; whole.len()],
            b"module a.example/m\n",
        ] {
            fs::write(&path, left).unwrap();
            assert!(kept.find(&asked).is_none(), "{left:?}");
            assert!(!path.exists());
            keep(b"module a.example/m\n");
        }
    }
}
