//! Reading an object's bytes. Its size is known beforehand, so a reader waits for a replica that lags behind, and
//! leaves no consumer behind after the last byte.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256 as Hasher};
use tokio::time::timeout;
use wombat_model::Sha256;

use super::{Objects, StoredObject};
use crate::{
    Revision, StoreError,
    follow::{FollowEvent, Follower, Start},
};

/// Longest wait for the next chunk before a read fails.
const NEXT_CHUNK_LIMIT: Duration = Duration::from_secs(10);

/// The bytes of one object, as they come.
#[derive(Debug)]
pub struct ObjectReader {
    object: StoredObject,
    follower: Follower,
    /// Bytes that haven't been read yet.
    left: u64,
    hasher: Hasher,
}

impl Objects {
    /// Reads an object from its beginning. `None`: there is no object of this name, or it is a link.
    pub async fn reader(&self, name: &str) -> Result<Option<ObjectReader>, StoreError> {
        let object = self.find(name).await?;
        Ok(object
            .filter(|object| object.link.is_none())
            .map(|object| self.reader_of(object)))
    }

    pub(super) fn reader_of(&self, object: StoredObject) -> ObjectReader {
        let start = Start::After(Revision::ZERO);
        let filter = self.chunks_subject(&object.nuid);
        ObjectReader {
            follower: Follower::of_large(&self.connection, &self.stream, filter, start),
            left: object.size,
            hasher: Hasher::new(),
            object,
        }
    }

    /// The bytes of a small object.
    pub async fn bytes(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(mut reader) = self.reader(name).await? else {
            return Ok(None);
        };
        if reader.object.size > limit {
            return Err(StoreError::corrupt(name, "it is too large"));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        if reader.is_intact() {
            Ok(Some(bytes))
        } else {
            Err(reader.wrong_bytes())
        }
    }
}

impl ObjectReader {
    /// The object that is read.
    pub fn object(&self) -> &StoredObject {
        &self.object
    }

    /// The next bytes; `None` after the last ones. [`StoreError::Lost`]: the leader doesn't have the rest.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.left == 0 {
            return Ok(None);
        }
        let name = &self.object.name;
        loop {
            let event = timeout(NEXT_CHUNK_LIMIT, self.follower.next()).await;
            match event {
                Ok(Some(FollowEvent::Message(message))) => {
                    let chunk = message.payload;
                    let length = chunk.len() as u64;
                    if length > self.left {
                        return Err(StoreError::corrupt(
                            name,
                            "it is longer than its entry says",
                        ));
                    }
                    self.left -= length;
                    self.hasher.update(&chunk);
                    return Ok(Some(chunk));
                }
                Ok(Some(FollowEvent::CompleteAfter(_))) => {}
                Ok(Some(FollowEvent::CaughtUp)) => return Err(StoreError::Lost(name.clone())),
                Ok(Some(FollowEvent::Reset) | None) => {
                    let problem = format!("the store of `{name}` was replaced");
                    return Err(StoreError::Unavailable(problem));
                }
                Err(_) => {
                    return Err(StoreError::Unavailable(format!(
                        "reading `{name}` timed out"
                    )));
                }
            }
        }
    }

    /// Whether all bytes were read, and have the digest in the object's entry.
    pub fn is_intact(&self) -> bool {
        self.left == 0 && self.object.sha256.as_ref() == Some(&self.sha256())
    }

    /// The same; an entry that another client wrote may have no digest.
    pub(super) fn is_as_promised(&self) -> bool {
        self.left == 0 && (self.object.sha256.is_none() || self.is_intact())
    }

    /// Digest of the bytes that were read so far.
    pub fn sha256(&self) -> Sha256 {
        Sha256::from_bytes(self.hasher.clone().finalize().into())
    }

    pub(crate) fn wrong_bytes(&self) -> StoreError {
        StoreError::corrupt(&self.object.name, "its bytes don't match its SHA-256")
    }
}
