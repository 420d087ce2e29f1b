//! The values of the buckets, as JSON: valid only under their own key, with the server's times.

use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;
use wombat_model::{
    Blocklist, Build, Presence, TamperedRecords, UnreadableRecord,
    catalog::{AskedImport, DefaultReleases, GoReleases, Import, ImportPart, ImportPlan, Release},
    wire::BuildOutline,
};

use crate::{
    catalog_keys::{asked_import_key, import_key, import_part_key, import_plan_key, release_key},
    complaints::Consequence,
    packed,
};

/// A value that can be read from a bucket.
pub trait Readable: Sized {
    /// What follows where a value can't be read.
    const IF_UNREADABLE: Consequence = Consequence::Ignored;

    /// Reads the value under `key`, which the server stored at `written`. The error says why it isn't valid.
    fn decode(key: &str, payload: &[u8], written: OffsetDateTime) -> Result<Self, String>;

    /// Whether bytes that can't be read are of a newer version.
    fn is_newer(_payload: &[u8]) -> bool {
        false
    }
}

/// A value that can be written as well.
pub(crate) trait Stored: Readable + Serialize {
    /// The bytes that are stored.
    fn encode(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The same, stored at about this server time.
    #[must_use]
    fn stored_at(self, _: OffsetDateTime) -> Self {
        self
    }

    /// Why writing it would lose something.
    fn refuses_to_be_written(&self) -> Option<String> {
        None
    }
}

impl Readable for Build {
    fn decode(key: &str, payload: &[u8], written: OffsetDateTime) -> Result<Self, String> {
        Self::from_record(key, payload, written).map_err(|error| error.to_string())
    }

    fn is_newer(payload: &[u8]) -> bool {
        Self::is_newer_record(payload)
    }
}

impl Stored for Build {
    fn encode(&self) -> serde_json::Result<Vec<u8>> {
        self.to_record()
    }

    fn stored_at(self, time: OffsetDateTime) -> Self {
        self.at(time)
    }

    fn refuses_to_be_written(&self) -> Option<String> {
        let place = self.would_lose()?;
        Some(format!(
            "a newer version of `wombat` wrote `{place}`, which this version would lose; upgrade this one"
        ))
    }
}

/// An outline has enough fields to check whose binary it names, but not whose record it is: code that acts on one must
/// read the record.
impl Readable for BuildOutline {
    fn decode(key: &str, payload: &[u8], written: OffsetDateTime) -> Result<Self, String> {
        let outline: Self = json(payload)?;
        match outline.artifact.as_ref().filter(|name| !name.is_of(key)) {
            Some(name) => Err(UnreadableRecord::Foreign(name.clone()).to_string()),
            None => Ok(outline.at(written)),
        }
    }
}

impl Readable for Presence {
    fn decode(key: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        let presence: Self = json(payload)?;
        let own = presence.builder.to_string();
        under(key, &own, presence)
    }
}

impl Readable for Release {
    fn decode(key: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        let release: Self = json(payload)?;
        under(
            key,
            &release_key(&release.module, &release.version),
            release,
        )
    }
}

impl Readable for Import {
    fn decode(key: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        let import: Self = json(payload)?;
        under(key, &import_key(&import.module, &import.version), import)
    }
}

impl Readable for AskedImport {
    fn decode(key: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        let asked: Self = json(payload)?;
        let (module, version) = (&asked.import().module, &asked.import().version);
        under(key, &asked_import_key(module, version), asked)
    }
}

impl Readable for ImportPlan {
    fn decode(key: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        let plan: Self = packed::read(payload)?;
        under(key, &import_plan_key(&plan.module, &plan.version), plan)
    }
}

impl Readable for ImportPart {
    fn decode(key: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        let part: Self = packed::read(payload)?;
        let own = import_part_key(&part.module, &part.version, &part.path);
        under(key, &own, part)
    }
}

impl Readable for Blocklist {
    const IF_UNREADABLE: Consequence = Consequence::BuildsRefused;

    fn decode(_: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        json(payload)
    }
}

impl Readable for TamperedRecords {
    fn decode(_: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        json(payload)
    }
}

impl Readable for DefaultReleases {
    fn decode(_: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        json(payload)
    }
}

impl Readable for GoReleases {
    fn decode(_: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        json(payload)
    }
}

/// The owner of a lock.
impl Readable for String {
    fn decode(_: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        json(payload)
    }
}

impl Stored for ImportPlan {
    fn encode(&self) -> serde_json::Result<Vec<u8>> {
        packed::write(self)
    }
}

impl Stored for ImportPart {
    fn encode(&self) -> serde_json::Result<Vec<u8>> {
        packed::write(self)
    }
}

impl Stored for AskedImport {}
impl Stored for TamperedRecords {}
impl Stored for DefaultReleases {}
impl Stored for Release {}
impl Stored for Import {}
impl Stored for Blocklist {}
impl Stored for GoReleases {}
impl Stored for String {}

fn json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(|error| error.to_string())
}

fn under<T>(key: &str, own: &str, value: T) -> Result<T, String> {
    if key == own {
        Ok(value)
    } else {
        Err(format!("it belongs under `{own}`"))
    }
}
