//! What the leader of a stream says of it. The client's own question leaves out the server's time and can't ask for
//! counts alone.

use std::collections::BTreeMap;

use async_nats::jetstream::response::Response;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use wombat_model::names::BUILDS_BUCKET;

use crate::{Connection, Revision, StoreError};

/// Beyond the end of every list of subjects: the answer says how many there are, and names none.
const BEYOND: usize = 1_000_000_000;

/// The leader's answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StreamInfo {
    /// When the stream was made: another time, another stream.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created: OffsetDateTime,
    pub(crate) config: Limits,
    pub(crate) state: State,
    /// What time it was at the leader; servers before 2.10 don't say.
    #[serde(default, with = "time::serde::rfc3339::option")]
    ts: Option<OffsetDateTime>,
    /// How many subjects fit the filter, where one was given.
    #[serde(default)]
    total: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Limits {
    /// Bytes that it may hold; negative: as many as there is room for.
    #[serde(default)]
    pub(crate) max_bytes: i64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct State {
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
struct Question<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects_filter: Option<&'a str>,
    offset: usize,
}

/// What the leader holds below a filter.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    /// Messages of each subject.
    pub(crate) counts: BTreeMap<String, u64>,
    /// The leader's time when it was asked.
    pub(crate) now: OffsetDateTime,
}

impl StreamInfo {
    pub(crate) fn last(&self) -> Revision {
        Revision::new(self.state.last_sequence)
    }

    /// What time it was at the leader.
    pub(crate) fn now(&self, connection: &Connection) -> OffsetDateTime {
        self.ts.unwrap_or_else(|| connection.server_time())
    }

    /// Bytes that it takes, and its limit if it has one.
    pub(crate) fn usage(&self) -> (u64, Option<u64>) {
        (self.state.bytes, u64::try_from(self.config.max_bytes).ok())
    }

    /// How many messages it holds.
    pub(crate) fn messages(&self) -> u64 {
        self.state.messages
    }
}

impl Connection {
    /// Asks the leader of a stream.
    pub(crate) async fn stream_info(&self, stream: &str) -> Result<StreamInfo, StoreError> {
        self.ask_stream_info(stream, None, 0).await
    }

    /// Asks the leader how many messages each subject has that fits the filter.
    pub(crate) async fn stream_subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<Subjects, StoreError> {
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
                return Ok(Subjects { counts, now });
            }
        }
    }

    /// Asks the leader how many subjects fit the filter.
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
        let question = Question {
            subjects_filter,
            offset,
        };
        let answer = self
            .jetstream()
            .request(format!("STREAM.INFO.{stream}"), &question)
            .await
            .map_err(|error| StoreError::of(&error))?;
        let info: StreamInfo = match answer {
            Response::Ok(info) => info,
            Response::Err { error } => return Err(StoreError::of(&error)),
        };
        // One stream's clock, so that what is read off it doesn't jump between servers whose clocks differ.
        if let Some(time) = info.ts
            && stream == format!("KV_{BUILDS_BUCKET}")
        {
            self.clock.set(time);
        }
        Ok(info)
    }

    /// The time of the server that leads the records of builds, within a round trip. This host's clock has no part
    /// in it once a [`crate::Store`] is open.
    pub fn server_time(&self) -> OffsetDateTime {
        self.clock.now()
    }
}
