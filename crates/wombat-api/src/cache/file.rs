//! Reading a file of the cache: it isn't evicted meanwhile, and gives only bytes that were verified.

use std::{io, ops::Range, path::Path, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use wombat_model::{Artifact, Sha256};

use super::{disk::Stamp, folder::Folder};

/// Bytes per read.
const BUFFER: u64 = 64 * 1024;

/// Keeps a file from being evicted.
pub(super) struct Hold {
    folder: Arc<Folder>,
    digest: Sha256,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.folder.release(&self.digest);
    }
}

/// What opening a file gave.
pub(super) enum Opened {
    /// A verified file.
    Verified(tokio::fs::File, Stamp),
    /// A file that wasn't verified since its last change, or that can't be read.
    Unverified,
    Missing,
}

impl Hold {
    pub(super) fn new(folder: Arc<Folder>, artifact: &Artifact) -> Self {
        folder.hold(artifact);
        Self {
            folder,
            digest: artifact.sha256.clone(),
        }
    }

    /// Makes room for the file before it is fetched. Returns whether there is any.
    pub(super) fn reserve(&self) -> bool {
        self.folder.reserve(&self.digest)
    }

    pub(super) async fn open(&self) -> Opened {
        self.folder.until_removed(&self.digest).await;
        let path = self.folder.file(&self.digest);
        let opened = tokio::task::spawn_blocking(move || open(&path));
        let opened = opened
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        if opened.is_ok() {
            self.folder.is_there(&self.digest);
        }
        match opened {
            Ok((file, stamp)) if self.folder.verified(&self.digest) == Some(stamp) => {
                Opened::Verified(file.into(), stamp)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Opened::Missing,
            Ok(_) | Err(_) => Opened::Unverified,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn open(path: &Path) -> io::Result<(std::fs::File, Stamp)> {
    let file = std::fs::File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    Ok((file, stamp))
}

/// An open, verified file. It isn't evicted while this lives.
pub(crate) struct CachedFile {
    file: tokio::fs::File,
    stamp: Stamp,
    hold: Hold,
}

impl CachedFile {
    pub(super) fn new(file: tokio::fs::File, stamp: Stamp, hold: Hold) -> Self {
        Self { file, stamp, hold }
    }

    /// Its bytes in this range. If the file was changed meanwhile, an error comes instead of the last ones.
    pub(crate) async fn bytes(
        mut self,
        range: Range<u64>,
    ) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + 'static> {
        if range.start > 0 {
            self.file.seek(SeekFrom::Start(range.start)).await?;
        }
        let left = range.end - range.start;
        Ok(stream::try_unfold(
            (self, left),
            async |(mut cached, left)| {
                if left == 0 {
                    return Ok(None);
                }
                let chunk = cached.next(left).await?;
                let left = left - chunk.len() as u64;
                Ok(Some((chunk, (cached, left))))
            },
        ))
    }

    async fn next(&mut self, left: u64) -> io::Result<Bytes> {
        let most = left.min(BUFFER);
        let mut chunk = BytesMut::with_capacity(usize::try_from(most).unwrap_or(usize::MAX));
        let read = (&mut self.file).take(most).read_buf(&mut chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let is_last = chunk.len() as u64 == left;
        if is_last && !self.stamp.has_bytes_of(&self.file.metadata().await?) {
            let problem = "the cached file was changed while it was read";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(chunk.freeze())
    }

    /// The file, to be read as a whole, and a guard that keeps it from being evicted.
    pub(crate) async fn into_std(self) -> (std::fs::File, impl Sized + Send) {
        (self.file.into_std().await, self.hold)
    }
}
