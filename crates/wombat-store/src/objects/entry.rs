//! The entry that names an object's chunks, in the format that every NATS client reads.

use async_nats::jetstream::message::StreamMessage;
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use wombat_model::Sha256;

use super::chunk_group;
use crate::StoreError;

/// The metadata of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Number of messages with its bytes.
    pub chunks: u64,
    /// Digest of its bytes; a link has that of its target, if its writer knew it.
    pub sha256: Option<Sha256>,
    /// When it was written, by the server's clock.
    pub written: OffsetDateTime,
    /// The object that it is a link to.
    pub link: Option<String>,
    /// What follows `C.` in the filter of its chunks.
    pub(crate) nuid: String,
}

/// An entry as JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bucket: String,
    #[serde(default)]
    pub(super) nuid: String,
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default)]
    pub(super) chunks: u64,
    /// For people; nothing depends on it.
    #[serde(default)]
    pub(super) mtime: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) deleted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<Options>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Options {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_chunk_size: Option<usize>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Link {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) bucket: String,
}

impl Entry {
    pub(super) fn to_json(&self) -> Result<bytes::Bytes, StoreError> {
        let json = serde_json::to_vec(self);
        let json = json.map_err(|error| StoreError::corrupt(&self.name, &error))?;
        Ok(json.into())
    }

    /// Reads the entry under `subject`. `None`: version 0.1.0 removed the object.
    pub(super) fn read(
        subject: &str,
        payload: &[u8],
        written: OffsetDateTime,
    ) -> Result<Option<StoredObject>, StoreError> {
        let name = name_of(subject).unwrap_or_else(|| subject.to_owned());
        let entry: Self =
            serde_json::from_slice(payload).map_err(|error| StoreError::corrupt(&name, &error))?;
        if entry.name != name {
            let problem = format!("the entry belongs to `{}`", entry.name);
            return Err(StoreError::corrupt(name, &problem));
        }
        if entry.deleted {
            return Ok(None);
        }
        let object = entry.into_object(written);
        // Removing it must not remove another object's chunks.
        if object.link.is_none() && !chunk_group::belong_to(&name, &object.nuid) {
            return Err(StoreError::corrupt(
                name,
                "the entry names chunks of another object",
            ));
        }
        Ok(Some(object))
    }

    /// The same for a message.
    pub(super) fn of_message(
        subject: &str,
        message: &StreamMessage,
    ) -> Result<Option<StoredObject>, StoreError> {
        Self::read(subject, &message.payload, message.time)
    }

    pub(super) fn into_object(self, written: OffsetDateTime) -> StoredObject {
        let sha256 = self
            .digest
            .as_deref()
            .and_then(|digest| digest.strip_prefix("SHA-256="))
            .and_then(|digest| BASE64_URL_SAFE.decode(digest).ok())
            .and_then(|digest| <[u8; 32]>::try_from(digest).ok())
            .map(Sha256::from_bytes);
        StoredObject {
            name: self.name,
            size: self.size,
            chunks: self.chunks,
            sha256,
            written,
            link: self
                .options
                .and_then(|options| options.link)
                .map(|link| link.name.unwrap_or_default()),
            nuid: self.nuid,
        }
    }
}

/// A digest in the format of entries.
pub(super) fn digest(sha256: [u8; 32]) -> String {
    format!("SHA-256={}", BASE64_URL_SAFE.encode(sha256))
}

/// A time in the format of entries.
pub(super) fn time_text(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

/// The subject of an object's entry.
pub(super) fn subject_of(bucket: &str, name: &str) -> String {
    format!("$O.{bucket}.M.{}", BASE64_URL_SAFE.encode(name))
}

/// The object that an entry's subject names.
pub(super) fn name_of(subject: &str) -> Option<String> {
    let name = BASE64_URL_SAFE.decode(subject.rsplit('.').next()?).ok()?;
    String::from_utf8(name).ok()
}
