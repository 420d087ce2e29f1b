//! What each file of a question about pipelines holds.

use serde::{Deserialize, Serialize};

/// What a file holds, by its content.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum FileRole {
    /// A pipeline, perhaps with resources.
    Pipeline,
    /// Resources, or settings such as `logger`, without a pipeline.
    Resources,
    /// Pipelines by the id of their stream.
    Streams,
    /// A template, which defines a component for the other files.
    Template,
    /// Tests alone.
    Tests,
    /// One component, or a list of them.
    Component,
    /// A mapping.
    Mapping,
    /// A Kubernetes manifest; its entries with pipelines follow it.
    Manifest,
    /// Another file that a configuration names.
    Data,
    /// Nothing.
    Empty,
    /// Something else; a note says why.
    Unknown,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReadFile {
    /// Its name; left out for the text of `pipeline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Key of an entry of a Kubernetes manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// What it holds: one role a document, each named once.
    pub roles: Vec<FileRole>,
}
