//! A file of the cache that is being read: it stays while it is, and never gives other bytes than it was checked for.

use std::{io, ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use wombat_model::Sha256;

use super::{disk::Stamp, folder::Folder};

/// Bytes that are read at once.
const BUFFER: u64 = 64 * 1024;

/// Keeps a file from being removed, whether it is there yet or not.
pub(super) struct Hold {
    pub(super) folder: Arc<Folder>,
    pub(super) digest: Sha256,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.folder.release(&self.digest);
    }
}

/// What is found where a file ought to be.
pub(super) enum Opened {
    /// The file whose bytes were checked.
    Checked(tokio::fs::File, Stamp),
    /// A file whose bytes weren't checked as it is now, or that can't be read.
    Unknown,
    Nothing,
}

impl Hold {
    pub(super) async fn open(&self) -> Opened {
        let path = self.folder.file(&self.digest);
        let opened = tokio::task::spawn_blocking(move || {
            let file = std::fs::File::open(path)?;
            let stamp = Stamp::of(&file.metadata()?);
            Ok((file, stamp))
        });
        match opened
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
        {
            Ok((file, stamp)) if self.folder.checked(&self.digest) == Some(stamp) => {
                Opened::Checked(file.into(), stamp)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Opened::Nothing,
            Ok(_) | Err(_) => Opened::Unknown,
        }
    }
}

/// An open file whose bytes were checked. It stays while this lives.
pub(crate) struct CachedFile {
    file: tokio::fs::File,
    stamp: Stamp,
    hold: Hold,
}

impl CachedFile {
    pub(super) fn new(file: tokio::fs::File, stamp: Stamp, hold: Hold) -> Self {
        Self { file, stamp, hold }
    }

    /// Its bytes in this range. Where the file was changed meanwhile, the last of them don't come but an error.
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

    /// The file, to be read as a whole; what is returned beside it keeps it.
    pub(crate) async fn into_std(self) -> (std::fs::File, impl Sized + Send) {
        (self.file.into_std().await, self.hold)
    }
}
