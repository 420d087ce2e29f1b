//! The documentation of a component: its fields, and texts by its authors. The texts come from the real module when it
//! is imported; the program doesn't include them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Component, ComponentKind};
use crate::ImportPath;

/// All components of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackageDocumentation {
    /// The package.
    pub path: ImportPath,
    /// Its components, by kind and name.
    pub components: Vec<Documentation>,
}

/// How stable a component is, according to its authors.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ComponentStatus {
    /// It doesn't change incompatibly.
    #[default]
    Stable,
    /// It may change in details.
    Beta,
    /// It may change or go.
    Experimental,
    /// Another component should be used.
    Deprecated,
}

/// The documentation of a component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Documentation {
    /// What it does in a pipeline.
    pub kind: ComponentKind,
    /// Its name in a pipeline.
    pub name: String,
    /// How stable it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: ComponentStatus,
    /// Who supports it, such as `certified`, `community` or `enterprise`, if the module says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub support: String,
    /// The version of its module that introduced it, if the module says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub since: String,
    /// Groups that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// A short summary.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// A longer description, in its authors' markup.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its configuration; functions and methods have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Field>,
    /// The parameters of a function or method.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Whether a function or method takes any number of arguments; unknown for releases that version 0.1.0 imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variadic: Option<bool>,
    /// How it is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

impl Documentation {
    /// Which component it is about.
    pub fn component(&self) -> Component {
        Component {
            kind: self.kind,
            name: self.name.clone(),
        }
    }

    /// Whether it has a summary or a description.
    pub const fn has_words(&self) -> bool {
        !self.summary.is_empty() || !self.description.is_empty()
    }

    /// The same without its authors' texts.
    #[must_use]
    pub fn without_words(self) -> Self {
        Self {
            summary: String::new(),
            description: String::new(),
            examples: Vec::new(),
            config: self.config.map(Field::without_words),
            parameters: self
                .parameters
                .into_iter()
                .map(|parameter| Parameter {
                    description: String::new(),
                    ..parameter
                })
                .collect(),
            ..self
        }
    }
}

/// How many values a field holds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum FieldShape {
    /// One.
    #[default]
    Scalar,
    /// A list.
    Array,
    /// A list of lists.
    #[serde(rename = "2darray")]
    TwoDimensions,
    /// Names with values.
    Map,
}

/// A field of a configuration.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own in the components' documentation"
)]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Field {
    /// Its name; empty for a configuration as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What each value is: `string`, `int`, `float`, `bool`, `object`, `unknown`, or a kind of component, such as `input`.
    #[serde(rename = "type")]
    pub of: String,
    /// How many values there are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shape: FieldShape,
    /// Whether it may be left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional: bool,
    /// Whether most users don't need it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub advanced: bool,
    /// Whether another field should be used instead.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deprecated: bool,
    /// Whether it is a password or the like.
    #[serde(default, skip_serializing_if = "is_default")]
    pub secret: bool,
    /// Whether it holds a mapping.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bloblang: bool,
    /// Whether `${! … }` in it is a mapping.
    #[serde(default, skip_serializing_if = "is_default")]
    pub interpolated: bool,
    /// Its value if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The values that it may have, if they are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Whether its component's own check refuses all values but `options`; unknown for releases that version 0.1.0 imported.
    #[serde(default, skip_serializing_if = "is_default")]
    pub only_options: bool,
    /// Whether its component checks it by a rule of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub has_rule: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Example values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Value>,
    /// Its own fields, if it is an object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
}

/// Longest default that is kept without the authors' texts, in characters.
const SHORT: usize = 40;

impl Field {
    /// The same without its authors' texts.
    #[must_use]
    pub fn without_words(self) -> Self {
        let is_short = |value: &Value| value.to_string().len() <= SHORT;
        Self {
            description: String::new(),
            examples: Vec::new(),
            default: self.default.filter(is_short),
            children: self.children.into_iter().map(Self::without_words).collect(),
            ..self
        }
    }

    /// The child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The kind of component that it holds, if it holds one.
    pub fn kind(&self) -> Option<ComponentKind> {
        Some(match self.of.as_str() {
            "input" => ComponentKind::Input,
            "output" => ComponentKind::Output,
            "processor" => ComponentKind::Processor,
            "cache" => ComponentKind::Cache,
            "buffer" => ComponentKind::Buffer,
            "rate_limit" => ComponentKind::RateLimit,
            "metrics" => ComponentKind::Metric,
            "tracer" => ComponentKind::Tracer,
            "scanner" => ComponentKind::Scanner,
            _ => return None,
        })
    }

    /// Whether lint refuses a component without it.
    pub fn is_required(&self) -> bool {
        !self.optional
            && !self.deprecated
            && self.shape == FieldShape::Scalar
            && self.children.is_empty()
            && self.kind().is_none()
    }
}

/// A parameter of a function or method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// Whether it may be left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// An example of use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Example {
    /// What it shows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// A longer explanation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// A piece of configuration, or a mapping.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub config: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_is_short_and_comes_back() {
        let text = json!({
            "kind": "input", "name": "a",
            "config": {"type": "object", "children": [
                {"name": "b", "type": "string", "description": "words", "default": "x".repeat(100)},
                {"name": "c", "type": "processor", "shape": "2darray", "default": []},
            ]},
        });
        let documentation: Documentation = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&documentation).unwrap(), text);
        let config = documentation.without_words().config.unwrap();
        let b = config.child("b").unwrap();
        assert_eq!((b.description.as_str(), &b.default), ("", &None));
        assert_eq!(config.child("c").unwrap().default, Some(json!([])));
    }
}
