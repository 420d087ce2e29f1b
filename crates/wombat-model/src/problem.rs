//! What is wrong with a request, in the same words over REST and NATS.

use serde::{Deserialize, Serialize};

use crate::plain_text::{
    Form,
    json::{serialize_line, serialize_lines},
    plain,
};

/// Stable name of a kind of problem; programs may branch on it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ProblemCode {
    /// The body isn't JSON, or isn't an object.
    Malformed,
    /// A field that doesn't exist.
    UnknownField,
    /// A required field is missing.
    MissingField,
    /// A value of the wrong JSON type.
    WrongType,
    /// A malformed value, such as something that isn't an import path or a version.
    InvalidValue,
    /// The platform isn't supported, or the operator doesn't offer it.
    UnsupportedPlatform,
    /// The Go release isn't offered for these modules.
    UnsupportedGoVersion,
    /// More than fits into one request.
    TooMany,
    /// No such component in the catalog.
    UnknownComponent,
    /// No such package in the release.
    UnknownPackage,
    /// The module of a package isn't known.
    UnknownModule,
    /// The catalog has no such release.
    UnknownVersion,
    /// A module that no package uses.
    UnusedModule,
    /// Two modules need different versions of a third.
    VersionConflict,
    /// The package compiles to nothing for this target.
    EmptyOnPlatform,
    /// The operator's rules don't allow the licence.
    LicenceRefused,
    /// The operator hasn't accepted the licence of an enterprise feature, and can: `--accept-licence`.
    LicenceNotAccepted,
    /// The operator doesn't allow this module.
    ModuleRefused,
    /// The operator doesn't allow this version of a module of the catalog: `--versions`.
    VersionRefused,
    /// The operator blocks this module, or a module of this build.
    ModuleBlocked,
    /// An import brings names of official components, and its request doesn't allow that: `allowKnownNames`.
    KnownNames,
    /// The query can't be parsed.
    InvalidQuery,
    /// There is no build, log or artifact of this name.
    NotFound,
    /// The build's state doesn't allow this.
    WrongState,
    /// The stored value can't be read.
    Damaged,
    /// The build failed, so there is no binary.
    BuildFailed,
    /// The binary was removed by retention.
    Expired,
    /// A token is needed.
    Unauthorized,
    /// The client isn't allowed to do this.
    Forbidden,
    /// The resource doesn't support this method.
    MethodNotAllowed,
    /// The request didn't arrive, or wasn't answered, in time.
    TimedOut,
    /// Too many requests, or too long a queue.
    TooBusy,
    /// NATS or a service is unavailable.
    Unavailable,
    /// A fault in Wombat Builder.
    Internal,
}

impl ProblemCode {
    /// As it is spelled on the wire.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Problem {
    /// Its kind.
    pub code: ProblemCode,
    /// The field of the request, as `packages[2]` or `modules.<path>`.
    #[serde(
        default,
        serialize_with = "serialize_line",
        skip_serializing_if = "Option::is_none"
    )]
    pub field: Option<String>,
    /// What is wrong and what to do, for people.
    #[serde(serialize_with = "serialize_lines")]
    pub message: String,
}

impl Problem {
    /// A problem with one field.
    pub fn field(code: ProblemCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            field: Some(field.into()),
            message: message.into(),
        }
    }

    /// A required field that is missing.
    pub fn missing(field: &str) -> Self {
        Self::field(ProblemCode::MissingField, field, missing_message(&[field]))
    }

    /// The field, if this is a [`Self::missing`] one.
    fn missing_field(&self) -> Option<&str> {
        let field = self.field.as_deref()?;
        let is_missing = self.code == ProblemCode::MissingField;
        (is_missing && self.message == missing_message(&[field])).then_some(field)
    }

    /// All messages in one line; fields that are missing share a sentence.
    pub fn summary(problems: &[Self]) -> String {
        let mut missing: Vec<&str> = problems.iter().filter_map(Self::missing_field).collect();
        let mut sentences = Vec::new();
        for problem in problems {
            match problem.missing_field() {
                None => sentences.push(problem.message.clone()),
                // The first of them names them all.
                Some(_) if missing.is_empty() => {}
                Some(_) => sentences.push(missing_message(&std::mem::take(&mut missing))),
            }
        }
        plain(&sentences.join(" "), Form::Line).into_owned()
    }

    /// A problem with the request as a whole.
    pub fn general(code: ProblemCode, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
        }
    }
}

/// The sentence about required fields that are missing.
fn missing_message(fields: &[&str]) -> String {
    let names: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => format!("{only} is missing."),
        Some((last, others)) => format!("{} and {last} are missing.", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_made_of_sentences_and_names_missing_fields_together() {
        let [goos, goarch, packages] = ["goos", "goarch", "packages"].map(Problem::missing);
        let unknown = Problem::field(ProblemCode::UnknownField, "x", "There is no field `x`.");
        let other = Problem::field(ProblemCode::MissingField, "id", "The id isn't there.");
        for (problems, summary) in [
            (vec![], ""),
            (vec![goos.clone()], "`goos` is missing."),
            (
                vec![goos.clone(), goarch.clone()],
                "`goos` and `goarch` are missing.",
            ),
            (
                vec![goos.clone(), unknown, goarch, packages],
                "`goos`, `goarch` and `packages` are missing. There is no field `x`.",
            ),
            (vec![goos, other], "`goos` is missing. The id isn't there."),
        ] {
            assert_eq!(Problem::summary(&problems), summary);
        }
    }

    #[test]
    fn what_a_problem_repeats_of_a_request_is_plain() {
        let name = "a\u{202e}b\u{1b}[2J";
        let message = format!("There is no `{name}`.\nUse\u{200b} another.");
        let problem = Problem::field(ProblemCode::UnknownField, name, message);
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({
                "code": "unknown_field",
                "field": "ab",
                "message": "There is no `ab`.\nUse another.",
            })
        );
        assert_eq!(
            Problem::summary(&[problem]),
            "There is no `ab`. Use another."
        );
    }
}
