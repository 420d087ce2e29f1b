//! Reading an object's bytes: its size is known beforehand, so a replica that lags behind is waited for rather than
//! taken at its word, and when the last byte has come no consumer is left behind.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256 as Hasher};
use tokio::time::timeout;
use wombat_model::Sha256;

use super::{Objects, StoredObject};
use crate::{
    Revision, StoreError,
    follow::{Followed, Follower, Start},
};

/// How long a read may bring nothing before it is given up.
const IDLE: Duration = Duration::from_secs(10);

/// The bytes of one object, as they come.
#[derive(Debug)]
pub struct ObjectReader {
    object: StoredObject,
    follower: Follower,
    /// Bytes that are still to come.
    left: u64,
    hasher: Hasher,
}

impl Objects {
    /// Reads an object from its beginning. `None`: there is no such object; a link is none.
    pub async fn reader(&self, name: &str) -> Result<Option<ObjectReader>, StoreError> {
        let object = self.find(name).await?;
        Ok(object
            .filter(|object| object.link.is_none())
            .map(|object| self.reader_of(object)))
    }

    fn reader_of(&self, object: StoredObject) -> ObjectReader {
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
            return Err(StoreError::corrupt(name, "it is larger than it may be"));
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
    /// What is read.
    pub fn object(&self) -> &StoredObject {
        &self.object
    }

    /// The next bytes; `None` once all have come. [`StoreError::Lost`]: the leader doesn't have the rest.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.left == 0 {
            return Ok(None);
        }
        let name = &self.object.name;
        loop {
            let event = timeout(IDLE, self.follower.next()).await;
            match event {
                Ok(Some(Followed::Message(message))) => {
                    let chunk = message.payload;
                    let length = chunk.len() as u64;
                    if length > self.left {
                        return Err(StoreError::corrupt(name, "it has more bytes than it says"));
                    }
                    self.left -= length;
                    self.hasher.update(&chunk);
                    return Ok(Some(chunk));
                }
                Ok(Some(Followed::CompleteAfter(_))) => {}
                Ok(Some(Followed::CaughtUp)) => return Err(StoreError::Lost(name.clone())),
                Ok(Some(Followed::Reset) | None) => {
                    let problem = format!("the store of `{name}` was replaced");
                    return Err(StoreError::Unavailable(problem));
                }
                Err(_) => {
                    return Err(StoreError::Unavailable(format!("`{name}` stopped coming")));
                }
            }
        }
    }

    /// Whether what has come is all of it, and has the digest that its entry tells.
    pub fn is_intact(&self) -> bool {
        self.left == 0 && self.object.sha256.as_ref() == Some(&self.sha256())
    }

    /// Digest of what has come so far.
    pub fn sha256(&self) -> Sha256 {
        Sha256::from_bytes(self.hasher.clone().finalize().into())
    }

    pub(crate) fn wrong_bytes(&self) -> StoreError {
        StoreError::corrupt(&self.object.name, "its bytes don't have its SHA-256")
    }
}
