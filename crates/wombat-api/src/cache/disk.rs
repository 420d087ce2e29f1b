//! The files themselves.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256 as Hasher};
use tokio::{fs, io::AsyncReadExt};
use wombat_model::{Artifact, Sha256};

/// Ending of files that aren't whole.
const PART: &str = "part";
/// A part that is older was left behind by a process that is gone.
const ABANDONED: Duration = Duration::from_hours(1);
/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;

/// A name of its own for a file that is on its way; several processes may share the folder.
pub(super) fn part_of(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.{PART}", uuid::Uuid::new_v4().simple()))
}

/// Removes a file. What isn't there counts as removed.
pub(super) async fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Files and sizes that an earlier process left, oldest first; its broken fetches are removed.
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

/// Whether a file that an earlier process left has the bytes that it ought to have.
pub(super) async fn is_intact(path: &Path, artifact: &Artifact) -> bool {
    let read = async {
        let mut file = fs::File::open(path).await?;
        if file.metadata().await?.len() != artifact.size {
            return Ok(false);
        }
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = file.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
        }
        Ok::<_, io::Error>(Sha256::from_bytes(hasher.finalize().into()) == artifact.sha256)
    };
    read.await.unwrap_or(false)
}
