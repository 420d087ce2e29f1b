//! A record as its bucket holds it: its times are the server's, it stands under its own key, and what a newer version
//! added to it stays.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::Build;
use crate::wire::BuildOutline;

/// A time of a record. The one that a record's state began with is that of the record's own message, since only the
/// server's clock counts; the next step copies it into the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeField {
    /// When the build was asked for.
    Requested,
    /// When the present or last claim began.
    Claimed,
    /// When the build ended.
    Finished,
}

/// The bytes under a build's key aren't its record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableRecord {
    /// They aren't a record that this version knows.
    #[error("{0}")]
    Malformed(String),
    /// A newer version wrote it.
    #[error(
        "it has schema {0}, and this version knows schemas up to {SCHEMA}; a newer `wombat` reads it"
    )]
    Newer(u64),
    /// The record is another build's.
    #[error("it is the record of another build, `{0}`")]
    Misplaced(String),
}

/// The schema of records, told by a field `schema` where it isn't the first.
const SCHEMA: u64 = 1;

impl Build {
    /// Reads the record under `key`, whose message the server stored at `written`.
    pub fn from_record(
        key: &str,
        bytes: &[u8],
        written: OffsetDateTime,
    ) -> Result<Self, UnreadableRecord> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let mut unknown = Vec::new();
        let read: Result<Self, _> = serde_ignored::deserialize(&mut reader, |path| {
            unknown.push(path.to_string());
        });
        let end = reader.end();
        if read.is_err() || !unknown.is_empty() {
            check_schema(bytes)?;
        }
        let malformed = |error: serde_json::Error| UnreadableRecord::Malformed(error.to_string());
        let mut build = read.map_err(malformed)?;
        end.map_err(malformed)?;
        if build.key.as_str() != key {
            return Err(UnreadableRecord::Misplaced(build.key.to_string()));
        }
        if !unknown.is_empty() {
            build.keep_unknown(bytes, unknown);
        }
        Ok(build.at(written))
    }

    fn keep_unknown(&mut self, bytes: &[u8], names: Vec<String>) {
        let mut fields: BTreeMap<String, Value> = serde_json::from_slice(bytes).unwrap_or_default();
        for name in names {
            match fields.remove_entry(&name) {
                Some((name, value)) => drop(self.unknown.insert(name, value)),
                None => self.lost = Some(name),
            }
        }
    }

    /// Fields that a newer version added; they stay when the record is written again.
    pub fn unknown_fields(&self) -> &BTreeMap<String, Value> {
        &self.unknown
    }

    /// A place in the record whose content this version doesn't know and can't keep: the record must not be written again.
    pub fn would_lose(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// The same, its state having begun at this time of the server, or no earlier than the state before it: another
    /// server may lead the stream by now, with another clock.
    #[must_use]
    pub fn at(mut self, written: OffsetDateTime) -> Self {
        match self.message_time.take() {
            None => {}
            Some(TimeField::Requested) => self.requested = self.requested.max(written),
            Some(TimeField::Claimed) => self.claimed = self.claimed.max(Some(written)),
            Some(TimeField::Finished) => self.finished = self.finished.max(Some(written)),
        }
        self
    }

    /// When the present state began, as far as it is known.
    pub(super) fn since(&self) -> OffsetDateTime {
        let later = self.finished.max(self.claimed);
        later.map_or(self.requested, |later| later.max(self.requested))
    }
}

impl BuildOutline {
    /// The same, read from a message that the server stored at this time.
    #[must_use]
    pub fn at(mut self, written: OffsetDateTime) -> Self {
        if self.message_time.take() == Some(TimeField::Finished) {
            self.finished = self.finished.max(Some(written));
        }
        self
    }
}

/// Refuses what says that it has a schema of a later version.
fn check_schema(bytes: &[u8]) -> Result<(), UnreadableRecord> {
    #[derive(Deserialize)]
    struct Schema {
        #[serde(default)]
        schema: Option<u64>,
    }
    let said = serde_json::from_slice::<Schema>(bytes);
    match said.ok().and_then(|said| said.schema) {
        Some(schema) if schema > SCHEMA => Err(UnreadableRecord::Newer(schema)),
        Some(_) | None => Ok(()),
    }
}
