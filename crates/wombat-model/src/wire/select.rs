//! `catalog.select`: what a pipeline needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{PipelineFiles, ReadFile, ResolveAnswer, Variables};
use crate::{
    Problem, ProblemCode, Refusal,
    catalog::Component,
    names::{MAX_FILES, MAX_PIPELINE_TEXT},
    plain_text::json::serialize_lines,
    request::RequestBody,
};

/// `catalog.select`, and the body of `POST /api/catalog/select` as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectQuestion {
    /// YAML of a pipeline, of resources, or of several documents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pipeline: String,
    /// Instead of `pipeline`, files by name: pipelines, resources, templates, tests, streams, components, Kubernetes
    /// manifests, mappings. At most 256, and 256 KiB of text in all.
    #[serde(default, skip_serializing_if = "PipelineFiles::is_empty")]
    pub files: PipelineFiles,
    /// Import paths of packages that the binary has besides, each with or without `@version`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// Components that the binary has besides, such as `kafka` or `input/kafka`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Versions of modules; the catalog's default releases where one isn't named. Components and their fields are those of
    /// these releases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modules: BTreeMap<String, String>,
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
}

impl SelectQuestion {
    /// For the default platform, without values of variables.
    pub fn of(pipeline: String) -> Self {
        Self {
            pipeline,
            files: PipelineFiles::default(),
            packages: Vec::new(),
            components: Vec::new(),
            modules: BTreeMap::new(),
            variables: Variables::default(),
            goos: linux(),
            goarch: amd64(),
            go_version: None,
            variant: None,
        }
    }

    /// Refuses more text, or more files, than a question may have.
    pub fn check_size(&self) -> Result<(), Refusal> {
        let size = self.pipeline.len() + self.files.size();
        Self::check_texts(size, self.files.len())
    }

    /// The same for texts of this size, in this many files; without files, it is a pipeline.
    pub fn check_texts(size: usize, files: usize) -> Result<(), Refusal> {
        let field = if files == 0 { "pipeline" } else { "files" };
        let message = if size > MAX_PIPELINE_TEXT {
            format!(
                "`{field}` has {size} bytes of text; a question has at most {MAX_PIPELINE_TEXT} (256 KiB)."
            )
        } else if files > MAX_FILES {
            format!("`files` has {files} files; a question has at most {MAX_FILES}.")
        } else {
            return Ok(());
        };
        Err(Refusal::too_large(Some(field), message))
    }

    /// What is wrong with the question itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.variables.problems();
        problems.extend(self.files.problems());
        let has_text = !self.pipeline.trim().is_empty();
        if self.files.is_empty() && !has_text {
            problems.push(Problem::field(
                ProblemCode::InvalidValue,
                "pipeline",
                "`pipeline` is empty; send the YAML of a pipeline, or `files`.",
            ));
        } else if !self.files.is_empty() && has_text {
            problems.push(Problem::field(
                ProblemCode::InvalidValue,
                "pipeline",
                "Send either `pipeline` or `files`; add the pipeline to `files` under a name.",
            ));
        }
        problems
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
    /// Name of the file, if the question had files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of its first use, from 1.
    pub line: usize,
    /// Column of its first use, from 1.
    pub column: usize,
    /// Whether every binary has it.
    pub base: bool,
}

/// A mistake in a pipeline, a warning or a note about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PipelineMistake {
    /// Name of the file, if the question had files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong, and what may have been meant.
    #[serde(serialize_with = "serialize_lines")]
    pub message: String,
}

/// A place in a pipeline.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct PipelinePlace {
    /// Name of the file, if the question had files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
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
    /// Notes, by file and line: files that are named and weren't sent, parts that weren't taken, and what templates and
    /// other makers' pipelines need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<PipelineMistake>,
    /// The files that were read, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ReadFile>,
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

    #[test]
    fn a_question_has_a_pipeline_or_files() {
        let question = |text: &str| serde_json::from_str::<SelectQuestion>(text).unwrap();
        let fields = |text: &str| -> Vec<String> {
            let problems = question(text).problems();
            problems.into_iter().filter_map(|it| it.field).collect()
        };
        for text in [
            r#"{"pipeline": "a"}"#,
            r#"{"files": {"a": ""}}"#,
            r#"{"pipeline": " ", "files": {"a": ""}}"#,
        ] {
            assert_eq!(fields(text), [""; 0], "{text}");
        }
        for text in [
            "{}",
            r#"{"pipeline": " "}"#,
            r#"{"files": {}}"#,
            r#"{"pipeline": "a", "files": {"a": ""}}"#,
        ] {
            assert_eq!(fields(text), ["pipeline"], "{text}");
        }
    }

    #[test]
    fn the_limit_of_text_is_named() {
        let full = SelectQuestion::of("x".repeat(MAX_PIPELINE_TEXT));
        assert!(full.check_size().is_ok());
        let halves = ["a", "b"].map(|name| (name.to_owned(), "x".repeat(MAX_PIPELINE_TEXT / 2)));
        let mut question = SelectQuestion {
            files: halves.into_iter().collect(),
            ..SelectQuestion::of(String::new())
        };
        assert!(question.check_size().is_ok());
        question.files.add("c".to_owned(), "x".to_owned());
        let refusal = question.check_size().unwrap_err();
        assert_eq!(refusal.status.code(), 413);
        assert!(refusal.summary().contains("262144"), "{refusal}");
        assert_eq!(refusal.problems[0].field.as_deref(), Some("files"));
        assert!(SelectQuestion::check_texts(0, MAX_FILES).is_ok());
        let refusal = SelectQuestion::check_texts(0, MAX_FILES + 1).unwrap_err();
        assert_eq!(refusal.status.code(), 413);
        assert!(refusal.summary().contains("257 files"), "{refusal}");
    }
}
