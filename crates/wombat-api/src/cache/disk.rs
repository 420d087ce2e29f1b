//! The files themselves: storing one completely or not at all, and verifying the bytes of one.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256 as Hasher};
use tokio::{
    fs,
    io::{AsyncSeekExt, AsyncWriteExt, SeekFrom},
};
use wombat_model::{Artifact, Sha256};

/// Extension of files that aren't complete.
const PART: &str = "part";
/// An incomplete file that is older was left behind by a process that died.
const ABANDONED: Duration = Duration::from_hours(1);
/// Bytes per read.
const BUFFER: usize = 256 * 1024;

/// Metadata of a verified file: while it is the same, so are the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The same of the last change of anything, name and times included.
    changed: (i64, i64),
    inode: (u64, u64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: (metadata.dev(), metadata.ino()),
        }
    }

    /// Whether an open file still has its bytes. It may have lost its name, which changes the time of the last change.
    pub(super) fn has_bytes_of(&self, metadata: &Metadata) -> bool {
        let now = Self::of(metadata);
        (now.size, now.modified) == (self.size, self.modified)
    }
}

/// A temporary name that is used once: several processes may share the folder.
pub(super) fn part_of(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.{PART}", uuid::Uuid::new_v4().simple()))
}

/// Removes a file; a missing one counts as removed.
pub(super) async fn remove(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    let removed = tokio::task::spawn_blocking(move || wombat_files::remove(&path));
    removed.await.map_err(io::Error::other)?
}

/// Files and sizes that an earlier process left, oldest first. Removes its incomplete files.
pub(super) async fn found(folder: &Path) -> io::Result<Vec<(Sha256, u64)>> {
    let mut entries = fs::read_dir(folder).await?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let metadata = entry.metadata().await?;
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if let Ok(digest) = name.parse::<Sha256>() {
            files.push((modified, digest, metadata.len()));
        } else if name.ends_with(PART) && modified.elapsed().is_ok_and(|age| age > ABANDONED) {
            remove(&entry.path()).await?;
        }
    }
    files.sort();
    Ok(files
        .into_iter()
        .map(|(_, digest, size)| (digest, size))
        .collect())
}

/// The stamp of a file that has the artifact's bytes. `None`: it has others, or was changed while it was read.
pub(super) async fn verify(path: &Path, artifact: &Artifact) -> io::Result<Option<Stamp>> {
    let (path, size) = (path.to_owned(), artifact.size);
    let read = tokio::task::spawn_blocking(move || read_through(&path, size));
    let read = read.await.map_err(io::Error::other)??;
    Ok(read
        .filter(|(digest, _)| *digest == artifact.sha256)
        .map(|(_, stamp)| stamp))
}

/// Digest and stamp of a file. `None`: it has another size, or was changed while it was read.
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn read_through(path: &Path, size: u64) -> io::Result<Option<(Sha256, Stamp)>> {
    let mut file = File::open(path)?;
    let before = Stamp::of(&file.metadata()?);
    if before.size != size {
        return Ok(None);
    }
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    let digest = Sha256::from_bytes(hasher.finalize().into());
    let after = Stamp::of(&file.metadata()?);
    Ok((before == after).then_some((digest, after)))
}

/// A file that is being written under a temporary name.
pub(super) struct PartFile {
    file: fs::File,
    path: PathBuf,
    written: u64,
}

impl PartFile {
    /// Creates the file, and its folder if that is missing.
    pub(super) async fn create(path: &Path) -> io::Result<Self> {
        let part = part_of(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).await?;
        }
        Ok(Self {
            file: fs::File::create_new(&part).await?,
            path: part,
            written: 0,
        })
    }

    /// Appends bytes. After an error, the same bytes can be appended again.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // An attempt that failed may have written some of the bytes.
        self.file.seek(SeekFrom::Start(self.written)).await?;
        self.file.write_all(bytes).await?;
        self.file.flush().await?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Gives the file its name once its bytes are on the disk: the name must not outlive them when the power fails.
    pub(super) async fn finish(self, path: &Path) -> io::Result<Stamp> {
        let (made, path) = (self.path, path.to_owned());
        let settled = tokio::task::spawn_blocking(move || wombat_files::settle_at(&made, &path));
        settled.await.map_err(io::Error::other)??;
        Ok(Stamp::of(&self.file.metadata().await?))
    }

    /// The temporary name.
    pub(super) fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

/// Whether removing files may help.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Fails if no files can be stored in a folder, which is made if it is missing.
pub(super) async fn try_folder(folder: &Path) -> io::Result<()> {
    let mut part = PartFile::create(&folder.join("probe")).await?;
    let written = match part.write(b"probe").await {
        // Cached files can be evicted.
        Err(error) if is_full(&error) => Ok(()),
        other => other,
    };
    remove(&part.path).await?;
    written
}
