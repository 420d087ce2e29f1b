//! Records as their bucket holds them: times are the server's, the key must be the record's own, and fields of a newer
//! version are kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Build, BuildJson, BuildOutline, TemplateJson, TimeField};
use crate::{ArtifactName, Template};

/// The bytes under a build's key aren't its record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableRecord {
    /// They aren't a record of this version.
    #[error("{0}")]
    Malformed(String),
    /// A newer version wrote it.
    #[error("it has schema {0}, but this version reads schemas up to {SCHEMA}; upgrade `wombat`")]
    Newer(u64),
    /// The record is another build's.
    #[error("it is the record of another build, `{0}`")]
    Misplaced(String),
    /// The record names another build's binary.
    #[error("it names the binary of another build, `{0}`")]
    Foreign(ArtifactName),
}

/// The latest schema of records. A record names its schema in a field `schema`, unless it is the first.
pub(super) const SCHEMA: u64 = 2;
/// The schema of a record whose template is a text.
const TEXT_TEMPLATE: u64 = 2;

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
        if let Some(artifact) = build.named_artifact()
            && !artifact.name.is_of(key)
        {
            return Err(UnreadableRecord::Foreign(artifact.name.clone()));
        }
        if !unknown.is_empty() {
            build.keep_unknown(bytes, unknown);
        }
        Ok(build.at(written))
    }

    /// Whether these bytes are the record of a newer version.
    pub fn is_newer_record(bytes: &[u8]) -> bool {
        check_schema(bytes).is_err()
    }

    /// The bytes of its record. Version 0.1.0 reads those of the first template alone (see [`TemplateJson`]).
    pub fn to_record(&self) -> Result<Vec<u8>, serde_json::Error> {
        let template = self.spec.template;
        let mut json = BuildJson::from(self.clone());
        if template > Template::FIRST {
            json.schema = Some(TEXT_TEMPLATE);
            json.template = TemplateJson::Text(template);
        }
        serde_json::to_vec(&json)
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

    /// A place in the record whose content this version doesn't know and can't keep: the record must not be written again.
    pub fn would_lose(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// The same, its state having begun when the server stored the record, but no earlier than the state before it:
    /// another server, with another clock, may lead the stream by now.
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

/// Refuses a record of a later schema.
fn check_schema(bytes: &[u8]) -> Result<(), UnreadableRecord> {
    #[derive(Deserialize)]
    struct Schema {
        #[serde(default)]
        schema: Option<u64>,
    }
    let parsed = serde_json::from_slice::<Schema>(bytes);
    match parsed.ok().and_then(|parsed| parsed.schema) {
        Some(schema) if schema > SCHEMA => Err(UnreadableRecord::Newer(schema)),
        Some(_) | None => Ok(()),
    }
}
