//! Linting a pipeline with a finished binary.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ArtifactName, Sha256, plain_text::json::serialize_lines};

/// How long a builder may take for one request, including the download of the binary. All limits of waiting clients are
/// derived from this one, so that none of them is reached first.
pub const LINT_LIMIT: Duration = Duration::from_secs(20);
/// Longest wait for a reply: the limit, and time for the messages. The builder knows when this ends, and works no longer.
pub const LINT_PATIENCE: Duration = LINT_LIMIT.saturating_add(Duration::from_secs(5));

/// The gateway's request to builders whose machine can run the binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LintQuestion {
    /// The binary.
    pub artifact: ArtifactName,
    /// Its digest.
    pub sha256: Sha256,
    /// YAML of the pipeline.
    pub pipeline: String,
}

/// A builder's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LintReply {
    /// The binary has linted the pipeline.
    Answer(LintAnswer),
    /// The binary no longer exists.
    Gone,
    /// The binary couldn't be run.
    Failed(String),
    /// Too many requests wait, of this client or of all.
    Busy {
        /// Seconds after which a new request has a chance.
        retry_after: u64,
    },
}

/// Answer of `POST /api/builds/{id}/lint`: the result of `<binary> lint`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LintAnswer {
    /// Whether there are no complaints. Templates aren't checked, nor logins and drivers that are needed only once the
    /// pipeline runs.
    pub accepted: bool,
    /// The binary's complaints, in its own words; at most 100.
    pub complaints: Vec<LintComplaint>,
}

/// A complaint of the binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LintComplaint {
    /// The line that it names, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column that it names, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The complaint.
    #[serde(serialize_with = "serialize_lines")]
    pub message: String,
}
