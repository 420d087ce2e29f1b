//! The times that a record has.

use serde::{Deserialize, Serialize};

/// A time of a record. The one that a record's state began with is that of the record's own message, since only the
/// server's clock counts; the next step copies it into the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeField {
    /// When the build was requested.
    Requested,
    /// When the present or last claim began.
    Claimed,
    /// When the build ended.
    Finished,
}
