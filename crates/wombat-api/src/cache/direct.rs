//! Downloads that bypass the disk: an object's bytes straight from the object store, which can't be read from the middle.
//!
//! The last piece for the client is held back until the whole object was read and has the digest of the artifact. If it
//! hasn't, the transfer breaks, so that no client takes wrong bytes for right ones.

use std::{io, ops::Range};

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;
use wombat_model::{Artifact, Sha256};
use wombat_store::{Artifacts, ObjectReader, StoreError};

/// An object that is being read for one client.
pub(crate) struct DirectRead {
    reader: ObjectReader,
    expected: Sha256,
    /// Read before the response begins, so that a lost object still gives an error status.
    first: Option<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl DirectRead {
    /// Opens the object. `None`: the store doesn't have it, or has lost bytes of it.
    pub(super) async fn begin(
        artifacts: &Artifacts,
        artifact: &Artifact,
        permit: OwnedSemaphorePermit,
    ) -> Result<Option<Self>, StoreError> {
        let name = artifact.name.as_str();
        let Some(mut reader) = artifacts.reader(name).await? else {
            return Ok(None);
        };
        if reader.object().size != artifact.size {
            return Err(StoreError::Corrupt {
                name: name.to_owned(),
                problem: "its size isn't the one in the build's record".to_owned(),
            });
        }
        let first = match reader.next().await {
            Ok(first) => first,
            Err(StoreError::Lost(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            reader,
            expected: artifact.sha256.clone(),
            first,
            _permit: permit,
        }))
    }

    /// The bytes in this range. If the digest turns out wrong, an error comes instead of the last piece.
    pub(crate) fn bytes(
        self,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let direct = DirectStream {
            read: self,
            window: Window { range, at: 0 },
            held: None,
            is_over: false,
        };
        stream::try_unfold(direct, async |mut direct| {
            Ok(direct.next().await?.map(|piece| (piece, direct)))
        })
    }
}

struct DirectStream {
    read: DirectRead,
    window: Window,
    /// The newest piece for the client, which is held back.
    held: Option<Bytes>,
    is_over: bool,
}

impl DirectStream {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while !self.is_over {
            let chunk = match self.read.first.take() {
                Some(chunk) => Some(chunk),
                None => self.read.reader.next().await.map_err(io::Error::other)?,
            };
            let Some(chunk) = chunk else {
                self.is_over = true;
                let reader = &self.read.reader;
                if !reader.is_intact() || reader.sha256() != self.read.expected {
                    let problem = "the object's bytes don't match its SHA-256";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
                }
                break;
            };
            let piece = self.window.cut(&chunk);
            if !piece.is_empty()
                && let Some(before) = self.held.replace(piece)
            {
                return Ok(Some(before));
            }
        }
        Ok(self.held.take())
    }
}

/// Cuts a range out of bytes that come in pieces.
struct Window {
    range: Range<u64>,
    /// Bytes of the object that were read.
    at: u64,
}

impl Window {
    fn cut(&mut self, chunk: &Bytes) -> Bytes {
        let length = chunk.len() as u64;
        let begin = self.range.start.saturating_sub(self.at).min(length);
        let end = self.range.end.saturating_sub(self.at).clamp(begin, length);
        self.at += length;
        // Both are at most the chunk's length.
        let place = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        chunk.slice(place(begin)..place(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_out_of_pieces_of_any_size() {
        let bytes: Vec<u8> = (0..100).collect();
        for size in [1, 7, 50, 100, 300] {
            for range in [0..100, 0..1, 99..100, 10..20, 49..51, 7..14] {
                let mut window = Window {
                    range: range.clone(),
                    at: 0,
                };
                let cut: Vec<u8> = bytes
                    .chunks(size)
                    .flat_map(|chunk| window.cut(&Bytes::copy_from_slice(chunk)))
                    .collect();
                let expected: Vec<u8> = range.map(|at| u8::try_from(at).unwrap()).collect();
                assert_eq!(cut, expected, "in pieces of {size}");
            }
        }
    }
}
