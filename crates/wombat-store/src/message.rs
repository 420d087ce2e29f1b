//! A message that was read from a stream.

use async_nats::HeaderMap;
use bytes::Bytes;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::Revision;

/// A message of a stream.
#[derive(Debug)]
pub(crate) struct StreamedMessage {
    pub(crate) subject: String,
    pub(crate) sequence: Revision,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    pub(crate) time: OffsetDateTime,
    /// When it was read.
    pub(crate) received: Instant,
}
