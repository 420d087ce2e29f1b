//! Writing an object: its chunks, then the entry that names them, once the leader has every one.

use bytes::Bytes;
use futures::{TryStreamExt, stream::FuturesOrdered};
use sha2::{Digest, Sha256 as Hasher};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    ChunkGroup, Objects, StoredObject,
    entry::{self, Entry, Options},
};
use crate::StoreError;

/// Largest chunk in bytes: large enough for speed, below the default message limit of servers.
const CHUNK: usize = 512 * 1024;
/// Room in a message for its headers and subject.
const ENVELOPE: usize = 4096;
/// Unacknowledged chunks: enough to hide a round trip, few enough for a replicated stream.
pub(super) const CHUNKS_IN_FLIGHT: usize = 4;

impl Objects {
    /// Stores bytes.
    pub async fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<StoredObject, StoreError> {
        self.put(name, &mut std::io::Cursor::new(bytes)).await
    }

    /// Writes chunks, then the entry that names them. The client's own `put` hides why the server refused, and waits
    /// for every chunk before it sends the next. Until the entry names them, the chunks may be removed as those of a
    /// failed upload: so they are counted at the leader before the entry is written, and again afterwards.
    pub(crate) async fn put(
        &self,
        name: &str,
        content: &mut (impl AsyncRead + Unpin),
    ) -> Result<StoredObject, StoreError> {
        let group = ChunkGroup::new(self.connection.user().as_str(), name);
        let nuid = group.nuid();
        let chunk_size = self.chunk_size();
        let mut hasher = Hasher::new();
        let (mut size, mut chunks) = (0, 0);
        let mut unacknowledged = FuturesOrdered::new();
        loop {
            let chunk = read_chunk(content, chunk_size).await?;
            if chunk.is_empty() {
                break;
            }
            hasher.update(&chunk);
            size += chunk.len() as u64;
            let subject = self.chunks_subject(&group.chunk(chunks));
            chunks += 1;
            unacknowledged.push_back(self.publish_new(subject, chunk));
            if unacknowledged.len() > CHUNKS_IN_FLIGHT {
                unacknowledged.try_next().await?;
            }
        }
        while unacknowledged.try_next().await?.is_some() {}
        if self.chunks_of(&nuid).await? != chunks {
            return Err(StoreError::Lost(name.to_owned()));
        }
        let now = self.connection.server_time();
        let entry = Entry {
            name: name.to_owned(),
            bucket: self.bucket.to_owned(),
            nuid: nuid.clone(),
            size,
            chunks,
            mtime: entry::time_text(now),
            digest: Some(entry::digest(hasher.finalize().into())),
            options: Some(Options {
                link: None,
                max_chunk_size: Some(chunk_size),
            }),
            ..Entry::default()
        };
        let subject = entry::subject_of(self.bucket, name);
        self.publish_new(subject, entry.to_json()?).await?;
        // The acknowledgement only proves the entry, not the chunks.
        if self.chunks_of(&nuid).await? != chunks {
            return Err(StoreError::Lost(name.to_owned()));
        }
        Ok(entry.into_object(now))
    }

    /// Size of a chunk that the server accepts.
    fn chunk_size(&self) -> usize {
        let most = self.connection.client().max_payload();
        CHUNK.min(most.saturating_sub(ENVELOPE).max(1))
    }
}

/// Up to `size` bytes; fewer only at the end.
async fn read_chunk(content: &mut (impl AsyncRead + Unpin), size: usize) -> std::io::Result<Bytes> {
    let mut chunk = Vec::with_capacity(size);
    content.take(size as u64).read_to_end(&mut chunk).await?;
    Ok(chunk.into())
}
