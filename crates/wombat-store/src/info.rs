//! A stream's info from its leader. The client's own request leaves out the server's time and can't request counts
//! alone.

use std::collections::BTreeMap;

use async_nats::jetstream::response::Response;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use wombat_model::names::BUILDS_BUCKET;

use crate::{Connection, Revision, StoreError};

/// An offset beyond every list of subjects: the response then has their number, and no names.
const BEYOND: usize = 1_000_000_000;

/// The leader's response.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StreamInfo {
    /// When the stream was created: another time means another stream.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created: OffsetDateTime,
    pub(crate) config: StreamLimits,
    pub(crate) state: StreamState,
    /// The leader's time; servers before 2.10 don't report it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    ts: Option<OffsetDateTime>,
    /// How many subjects match the filter, if one was given.
    #[serde(default)]
    total: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StreamLimits {
    /// Bytes that it may hold; negative: unlimited.
    #[serde(default)]
    pub(crate) max_bytes: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StreamState {
    messages: u64,
    pub(crate) bytes: u64,
    #[serde(rename = "first_seq")]
    pub(crate) first_sequence: u64,
    #[serde(rename = "last_seq")]
    pub(crate) last_sequence: u64,
    #[serde(default)]
    subjects: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct InfoRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects_filter: Option<&'a str>,
    offset: usize,
}

/// The leader's subjects that match a filter.
#[derive(Clone, Debug)]
pub(crate) struct SubjectCounts {
    /// Messages of each subject.
    pub(crate) counts: BTreeMap<String, u64>,
    /// The leader's time of the response.
    pub(crate) now: OffsetDateTime,
}

impl StreamInfo {
    pub(crate) fn last(&self) -> Revision {
        Revision::new(self.state.last_sequence)
    }

    /// The leader's time of the response.
    pub(crate) fn now(&self, connection: &Connection) -> OffsetDateTime {
        self.ts.unwrap_or_else(|| connection.server_time())
    }

    /// Bytes that it uses, and its limit if it has one.
    pub(crate) fn usage(&self) -> (u64, Option<u64>) {
        (self.state.bytes, u64::try_from(self.config.max_bytes).ok())
    }

    /// How many messages it holds.
    pub(crate) fn messages(&self) -> u64 {
        self.state.messages
    }
}

impl Connection {
    /// Requests a stream's info from its leader.
    pub(crate) async fn stream_info(&self, stream: &str) -> Result<StreamInfo, StoreError> {
        self.ask_stream_info(stream, None, 0).await
    }

    /// Requests the number of messages of each subject that matches the filter.
    pub(crate) async fn stream_subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<SubjectCounts, StoreError> {
        let mut counts = BTreeMap::new();
        loop {
            let info = self
                .ask_stream_info(stream, Some(filter), counts.len())
                .await?;
            let now = info.now(self);
            let page = info.state.subjects;
            let is_last = page.is_empty();
            counts.extend(page);
            if is_last || counts.len() >= info.total {
                return Ok(SubjectCounts { counts, now });
            }
        }
    }

    /// Requests how many subjects match the filter.
    pub(crate) async fn count_subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<u64, StoreError> {
        let info = self.ask_stream_info(stream, Some(filter), BEYOND).await?;
        Ok(info.total as u64)
    }

    async fn ask_stream_info(
        &self,
        stream: &str,
        subjects_filter: Option<&str>,
        offset: usize,
    ) -> Result<StreamInfo, StoreError> {
        let request = InfoRequest {
            subjects_filter,
            offset,
        };
        let answer = self
            .jetstream()
            .request(format!("STREAM.INFO.{stream}"), &request)
            .await
            .map_err(|error| StoreError::of(&error))?;
        let info: StreamInfo = match answer {
            Response::Ok(info) => info,
            Response::Err { error } => return Err(StoreError::of(&error)),
        };
        // One stream's clock, so that times don't jump between servers whose clocks differ.
        if let Some(time) = info.ts
            && stream == format!("KV_{BUILDS_BUCKET}")
        {
            self.clock.set(time);
        }
        Ok(info)
    }

    /// The time of the server that leads the records of builds, within a round trip. It doesn't depend on this host's
    /// clock once a [`crate::Store`] is open.
    pub fn server_time(&self) -> OffsetDateTime {
        self.clock.now()
    }
}
