//! `catalog.select`: what a pipeline needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ResolveAnswer, Variables};
use crate::{Problem, catalog::Component, request::RequestBody};

/// `catalog.select`, and the body of `POST /api/catalog/select` as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectQuestion {
    /// YAML of a pipeline, of resources, or of several documents.
    pub pipeline: String,
    /// Values of variables that the pipeline names as `${NAME}` or `${NAME:default}`. They are never stored, logged or
    /// repeated in an answer.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub variables: Variables,
    /// Operating system; `linux` if left out.
    #[serde(default = "linux")]
    pub goos: String,
    /// Architecture; `amd64` if left out.
    #[serde(default = "amd64")]
    pub goarch: String,
    /// Go release in full; the newest offered one if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_version: Option<String>,
    /// Level of the architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Versions of modules, as in a request. Components and their fields are those of these releases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modules: BTreeMap<String, String>,
}

impl SelectQuestion {
    /// For the default platform, without values of variables.
    pub fn of(pipeline: String) -> Self {
        Self {
            pipeline,
            variables: Variables::default(),
            goos: linux(),
            goarch: amd64(),
            go_version: None,
            variant: None,
            modules: BTreeMap::new(),
        }
    }
}

fn linux() -> String {
    "linux".to_owned()
}

fn amd64() -> String {
    "amd64".to_owned()
}

/// A component that a pipeline uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FoundComponent {
    /// The component.
    #[serde(flatten)]
    pub component: Component,
    /// Line of its first use, from 1.
    pub line: usize,
    /// Column of its first use, from 1.
    pub column: usize,
    /// Whether every binary has it.
    pub base: bool,
}

/// A mistake in a pipeline, or a warning about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PipelineMistake {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong, and what may have been meant.
    pub message: String,
}

/// A place in a pipeline.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct PipelinePlace {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// A variable that a pipeline names. A value that was given isn't repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PipelineVariable {
    /// Its name.
    pub name: String,
    /// Its first default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Its first places, at most 16.
    pub places: Vec<PipelinePlace>,
    /// Whether the question gave it a value.
    pub given: bool,
    /// Whether its value decides which components and packages the pipeline needs.
    pub decides: bool,
}

/// Answer to [`SelectQuestion`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SelectAnswer {
    /// What the pipeline uses, by kind and name.
    pub components: Vec<FoundComponent>,
    /// Mistakes, by line. The rest of the answer is about the parts that could be parsed.
    pub mistakes: Vec<PipelineMistake>,
    /// By line: what `lint` accepts and the running binary doesn't, and variables without a value that decide which
    /// components the pipeline needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<PipelineMistake>,
    /// The variables that it names, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<PipelineVariable>,
    /// Why no binary for it can be built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// A request for exactly the packages that it needs, to be sent as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestBody>,
    /// What that request would build, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<ResolveAnswer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_variables_are_sent_and_not_shown() {
        let text =
            r#"{"pipeline":"a","variables":{"P":"hunter2"},"goos":"linux","goarch":"amd64"}"#;
        let question: SelectQuestion = serde_json::from_str(text).unwrap();
        assert_eq!(question.variables.get("P"), Some("hunter2"));
        assert!(!format!("{question:?}").contains("hunter2"));
        assert_eq!(serde_json::to_string(&question).unwrap(), text);
        let plain = serde_json::to_string(&SelectQuestion::of(String::new())).unwrap();
        assert!(!plain.contains("variables"), "{plain}");
    }
}
