//! Values of a pipeline's variables. No error and no debug output repeats a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use crate::{
    Problem, ProblemCode, Secret,
    names::{MAX_VARIABLE_NAME, MAX_VARIABLE_VALUE, MAX_VARIABLES},
};

/// Characters of a name that are shown.
const SHOWN: usize = 64;

/// Values of variables, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Variables(BTreeMap<String, Secret>);

impl Variables {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::reveal)
    }

    /// Whether a variable may have this name.
    pub fn is_name(name: &str) -> bool {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        (1..=MAX_VARIABLE_NAME).contains(&name.len()) && name.bytes().all(is_part)
    }

    /// Everything that exceeds the limits.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.0.len() > MAX_VARIABLES {
            problems.push(Problem::field(
                ProblemCode::TooMany,
                "variables",
                format!(
                    "`variables` has {} variables; send at most {MAX_VARIABLES}, those that the pipeline names.",
                    self.0.len()
                ),
            ));
        }
        for (name, value) in &self.0 {
            let field = field_of(name);
            if !Self::is_name(name) {
                problems.push(Problem::field(
                    ProblemCode::InvalidValue,
                    &field,
                    format!(
                        "`{field}` is no name of a variable: use 1 to {MAX_VARIABLE_NAME} letters, digits, `_` and `.`."
                    ),
                ));
            }
            let size = value.reveal().len();
            if size > MAX_VARIABLE_VALUE {
                problems.push(Problem::field(
                    ProblemCode::InvalidValue,
                    &field,
                    format!(
                        "The value of `{field}` has {size} bytes; shorten it to {MAX_VARIABLE_VALUE}."
                    ),
                ));
            }
        }
        problems.truncate(MAX_VARIABLES);
        problems
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        let hidden = pairs
            .into_iter()
            .map(|(name, value)| (name, Secret::new(value)));
        Self(hidden.collect())
    }
}

impl<'de> Deserialize<'de> for Variables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The errors of derived implementations repeat values.
        let Value::Object(fields) = Value::deserialize(deserializer)? else {
            return Err(D::Error::custom(
                "`variables` must be an object of names and values",
            ));
        };
        let mut variables = BTreeMap::new();
        for (name, value) in fields {
            let Value::String(value) = value else {
                return Err(D::Error::custom(format!(
                    "`{}` must be text: put the value in quotes",
                    field_of(&name)
                )));
            };
            variables.insert(name, Secret::new(value));
        }
        Ok(Self(variables))
    }
}

impl schemars::JsonSchema for Variables {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Variables".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "maxProperties": MAX_VARIABLES,
            "propertyNames": {"pattern": "^[0-9A-Za-z_.]+$", "maxLength": MAX_VARIABLE_NAME},
            "additionalProperties": {"type": "string", "maxLength": MAX_VARIABLE_VALUE},
        })
    }
}

/// The field of a variable; its name may be any text.
fn field_of(name: &str) -> String {
    let short: String = name.chars().take(SHOWN).collect();
    format!("variables.{}", short.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Variables, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn values_are_read_and_never_shown() {
        let variables = read(r#"{"A": "hunter2", "b.C_1": ""}"#).unwrap();
        assert_eq!(variables.get("A"), Some("hunter2"));
        assert_eq!(variables.get("b.C_1"), Some(""));
        assert_eq!(variables.get("B"), None);
        assert!(!format!("{variables:?}").contains("hunter2"));
        let written = serde_json::to_string(&variables).unwrap();
        assert_eq!(read(&written).unwrap(), variables);
    }

    #[test]
    fn errors_name_the_field_and_no_value() {
        for (text, named) in [
            (r#""hunter2""#, "`variables` must be"),
            (r#"["A=hunter2"]"#, "`variables` must be"),
            (r#"{"A": ["hunter2"]}"#, "`variables.A` must be text"),
            (r#"{"A": 48151623}"#, "`variables.A` must be text"),
            (r#"{"A": {"hunter2": 1}}"#, "`variables.A` must be text"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(named), "{error}");
            assert!(
                !error.contains("hunter2") && !error.contains("4815"),
                "{error}"
            );
        }
    }

    #[test]
    fn limits_are_named_with_the_field_and_the_fix() {
        let fields = |variables: Variables| -> Vec<String> {
            let problems = variables.problems();
            assert!(problems.iter().all(|it| it.message.len() < 200));
            let fields = problems.into_iter().filter_map(|it| it.field);
            fields.collect()
        };
        let one =
            |name: &str, size: usize| Variables::from_iter([(name.to_owned(), "x".repeat(size))]);
        assert_eq!(fields(one("A_b.9", MAX_VARIABLE_VALUE)), [""; 0]);
        assert_eq!(fields(one("A", MAX_VARIABLE_VALUE + 1)), ["variables.A"]);
        for name in ["", "a b", "a-b", "é", "a=b"] {
            assert_eq!(fields(one(name, 1)), [format!("variables.{name}")]);
        }
        assert_eq!(fields(one(&"x".repeat(300), 1)).len(), 1);
        let many = (0..=MAX_VARIABLES).map(|number| (format!("V{number}"), String::new()));
        assert_eq!(fields(many.clone().skip(1).collect()), [""; 0]);
        assert_eq!(fields(many.collect()), ["variables"]);
    }
}
