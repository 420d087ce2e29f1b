//! The values of the `publications` bucket, and their keys.

use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use wombat_model::{BuildKey, Grant, GrantResult};

use crate::stored::{Readable, Stored};

/// Prefix of the keys of grants.
pub(crate) const GRANT: &str = "grant.";
/// Prefix of the keys of results.
pub(crate) const RESULT: &str = "result.";

/// A value of the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publication {
    /// A build may be built once more.
    Grant {
        /// The build.
        key: BuildKey,
        /// The grant's number.
        number: u64,
        /// The grant.
        grant: Grant,
    },
    /// A grant's result.
    Result {
        /// The build.
        key: BuildKey,
        /// The grant's number.
        number: u64,
        /// The result.
        result: GrantResult,
    },
    /// Another key.
    Other,
}

/// The key of a grant or a result.
pub(crate) fn name(kind: &str, key: &BuildKey, number: u64) -> String {
    format!("{kind}{key}.{number}")
}

/// The build and the number in a key.
fn named(rest: &str) -> Option<(BuildKey, u64)> {
    let (key, number) = rest.rsplit_once('.')?;
    Some((key.parse().ok()?, number.parse().ok()?))
}

impl Readable for Publication {
    fn decode(key: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        if let Some((build, number)) = key.strip_prefix(GRANT).and_then(named) {
            return Ok(Self::Grant {
                key: build,
                number,
                grant: json(payload)?,
            });
        }
        if let Some((build, number)) = key.strip_prefix(RESULT).and_then(named) {
            return Ok(Self::Result {
                key: build,
                number,
                result: json(payload)?,
            });
        }
        Ok(Self::Other)
    }
}

impl Readable for Grant {
    fn decode(_: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        json(payload)
    }
}

impl Readable for GrantResult {
    fn decode(_: &str, payload: &[u8], _: OffsetDateTime) -> Result<Self, String> {
        json(payload)
    }
}

impl Stored for Grant {}
impl Stored for GrantResult {}

fn json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(|error| error.to_string())
}
