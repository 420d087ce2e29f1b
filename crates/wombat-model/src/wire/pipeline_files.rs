//! Texts of files by name. No error and no debug output repeats a text: a configuration may hold passwords.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    Problem, ProblemCode,
    names::{MAX_FILE_NAME, MAX_FILES},
    plain_text::{Form, plain},
};

/// Characters of a name that are shown.
const SHOWN: usize = 64;

/// Texts of files, by name.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PipelineFiles(BTreeMap<String, String>);

impl PipelineFiles {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and text of each, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter();
        all.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Adds a file. `false`: there is one of this name.
    pub fn add(&mut self, name: String, text: String) -> bool {
        let is_new = !self.0.contains_key(&name);
        if is_new {
            self.0.insert(name, text);
        }
        is_new
    }

    /// Bytes of all texts.
    pub fn size(&self) -> usize {
        self.0.values().map(String::len).sum()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What is wrong with the names.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for name in self.0.keys().take(MAX_FILES) {
            let is_name =
                (1..=MAX_FILE_NAME).contains(&name.len()) && plain(name, Form::Line) == *name;
            if !is_name {
                let field = field_of(name);
                let message = format!(
                    "`{field}` is no name of a file: use 1 to {MAX_FILE_NAME} bytes without control characters, hidden characters and spaces at the end."
                );
                problems.push(Problem::field(ProblemCode::InvalidValue, field, message));
            }
        }
        problems
    }
}

impl fmt::Debug for PipelineFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(String, String)> for PipelineFiles {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for PipelineFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FilesVisitor)
    }
}

/// Derived implementations take the last of two files with one name, and their errors repeat values.
struct FilesVisitor;

const EXPECTED: &str = "`files` must be an object of names and texts";

impl<'de> Visitor<'de> for FilesVisitor {
    type Value = PipelineFiles;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names and texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut files = PipelineFiles::default();
        while let Some((name, text)) = map.next_entry::<String, Value>()? {
            let field = field_of(&name);
            let Value::String(text) = text else {
                return Err(A::Error::custom(format!("`{field}` must be text")));
            };
            if !files.add(name, text) {
                return Err(A::Error::custom(format!(
                    "`{field}` is there twice: each file has a name of its own"
                )));
            }
        }
        Ok(files)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom(EXPECTED))
    }
}

impl schemars::JsonSchema for PipelineFiles {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PipelineFiles".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "maxProperties": MAX_FILES,
            "propertyNames": {"minLength": 1, "maxLength": MAX_FILE_NAME},
            "additionalProperties": {"type": "string"},
        })
    }
}

/// The field of a file; its name may be any text.
fn field_of(name: &str) -> String {
    let short: String = name.chars().take(SHOWN).collect();
    format!("files.{}", short.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PipelineFiles, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn files_are_read_by_name_and_not_shown() {
        let files = read(r#"{"b.yaml": "hunter2", "a/b.yaml": ""}"#).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name).collect();
        assert_eq!((names, files.size()), (vec!["a/b.yaml", "b.yaml"], 7));
        assert_eq!(format!("{files:?}"), r#"{"a/b.yaml", "b.yaml"}"#);
        let written = serde_json::to_string(&files).unwrap();
        assert_eq!(read(&written).unwrap(), files);
        assert!(read("{}").unwrap().is_empty());
    }

    #[test]
    fn errors_name_the_file_and_no_text() {
        for (text, named) in [
            (r#""hunter2""#, "`files` must be"),
            (r#"["hunter2"]"#, "`files` must be"),
            ("true", "`files` must be"),
            ("null", "`files` must be"),
            (r#"{"a": ["hunter2"]}"#, "`files.a` must be text"),
            (r#"{"a": 7}"#, "`files.a` must be text"),
            (r#"{"a": "hunter2", "a": ""}"#, "`files.a` is there twice"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(named), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn names_have_limits() {
        let one = |name: &str| PipelineFiles::from_iter([(name.to_owned(), String::new())]);
        let fields = |files: &PipelineFiles| -> Vec<String> {
            let problems = files.problems();
            problems.into_iter().filter_map(|it| it.field).collect()
        };
        assert_eq!(fields(&one("a/é b.yaml")), [""; 0]);
        assert_eq!(fields(&one("")), ["files."]);
        assert_eq!(fields(&one("a\nb")), ["files.a\\nb"]);
        assert_eq!(fields(&one(&"x".repeat(MAX_FILE_NAME + 1))).len(), 1);
    }
}
