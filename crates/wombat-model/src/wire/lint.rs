//! A pipeline that a finished binary is to look at, and what it says.

use serde::{Deserialize, Serialize};

use crate::{ArtifactName, Sha256};

/// What the gateway asks builders whose machine runs the binary.
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

/// What a builder answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LintReply {
    /// The binary has looked at it.
    Answer(LintAnswer),
    /// There is no such binary any more.
    Gone,
    /// It couldn't be asked.
    Failed(String),
}

/// Answer of `POST /api/builds/{id}/lint`: what `<binary> lint` says of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LintAnswer {
    /// It has nothing against it. It doesn't look into templates, or whether logins and drivers are there that are needed
    /// only once the pipeline runs.
    pub accepted: bool,
    /// Its objections, in its own words; at most 100.
    pub complaints: Vec<LintComplaint>,
}

/// One objection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LintComplaint {
    /// The line that it names, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column that it names, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What it says.
    pub message: String,
}
