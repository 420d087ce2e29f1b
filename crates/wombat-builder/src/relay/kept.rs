//! What was fetched stays on disk, so that a build repeats while the proxy is away.
//!
//! A file is named by the digest of the path that was asked for, below a folder named by the first two digits. It comes into
//! being whole, by a rename. Whether it is what it should be is for `go` to check, as with a proxy's answer.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::Digest as _;
use tempfile::NamedTempFile;

use super::asked::Asked;

/// A folder of answers.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    folder: PathBuf,
}

impl Kept {
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The answer, if it is here. Counts as a use.
    pub(super) fn find(&self, asked: &Asked) -> Option<File> {
        let file = File::open(self.path(asked)).ok()?;
        // By this the least recently used ones are found; without it they go a little too early.
        drop(file.set_modified(SystemTime::now()));
        Some(file)
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

    pub(super) fn keep(&self, asked: &Asked, file: NamedTempFile) -> io::Result<File> {
        Ok(file.persist(self.path(asked))?)
    }

    pub(super) fn forget(&self, asked: &Asked) {
        match fs::remove_file(self.path(asked)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = asked.path(), %error, "can't forget an answer of the module proxy");
            }
            _ => {}
        }
    }

    fn path(&self, asked: &Asked) -> PathBuf {
        let name = hex::encode(sha2::Sha256::digest(asked.path()));
        self.folder.join(&name[..2]).join(name)
    }
}
