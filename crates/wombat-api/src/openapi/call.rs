//! What the document says about a call.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) about: &'static str,
    pub(super) parameters: Vec<Parameter>,
    /// By media type.
    pub(super) request: Option<Value>,
    pub(super) answers: Vec<Answer>,
    /// Ids of calls that take the `id` in the answer.
    pub(super) leads_to: &'static [&'static str],
    /// Role that the call needs.
    pub(super) role: Option<&'static str>,
}

/// Where a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum ParameterLocation {
    Path,
    Query,
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) location: ParameterLocation,
    pub(super) about: &'static str,
    pub(super) schema: Value,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) about: &'static str,
    pub(super) media: Option<&'static str>,
    pub(super) schema: Option<fn(&mut SchemaGenerator) -> Schema>,
}

pub(super) fn call(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    about: &'static str,
) -> Call {
    Call {
        method,
        path,
        id,
        tag,
        about,
        parameters: Vec::new(),
        request: None,
        answers: Vec::new(),
        leads_to: &[],
        role: None,
    }
}

impl Call {
    fn parameter(
        mut self,
        location: ParameterLocation,
        name: &'static str,
        about: &'static str,
        schema: Value,
    ) -> Self {
        self.parameters.push(Parameter {
            name,
            location,
            about,
            schema,
        });
        self
    }

    /// A part of the path.
    pub(super) fn part(self, name: &'static str, about: &'static str) -> Self {
        self.parameter(
            ParameterLocation::Path,
            name,
            about,
            json!({"type": "string"}),
        )
    }

    /// A part of the path that is one of a few.
    pub(super) fn choice_part(
        self,
        name: &'static str,
        about: &'static str,
        choices: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let choices: Vec<_> = choices.into_iter().collect();
        self.parameter(
            ParameterLocation::Path,
            name,
            about,
            json!({"enum": choices}),
        )
    }

    pub(super) fn text(self, name: &'static str, about: &'static str) -> Self {
        self.parameter(
            ParameterLocation::Query,
            name,
            about,
            json!({"type": "string"}),
        )
    }

    /// A text that a regular expression describes.
    pub(super) fn pattern(
        self,
        name: &'static str,
        about: &'static str,
        pattern: &'static str,
    ) -> Self {
        let schema = json!({"type": "string", "pattern": pattern});
        self.parameter(ParameterLocation::Query, name, about, schema)
    }

    /// A text that is one of a few.
    pub(super) fn choice(
        self,
        name: &'static str,
        about: &'static str,
        choices: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        // An empty value counts as left out.
        let choices: Vec<_> = choices.into_iter().chain([""]).collect();
        self.parameter(
            ParameterLocation::Query,
            name,
            about,
            json!({"enum": choices}),
        )
    }

    pub(super) fn number(self, name: &'static str, about: &'static str, most: u32) -> Self {
        self.count(name, about, 0, most)
    }

    pub(super) fn count(
        self,
        name: &'static str,
        about: &'static str,
        least: u32,
        most: u32,
    ) -> Self {
        let schema = json!({"type": "integer", "minimum": least, "maximum": most});
        self.parameter(ParameterLocation::Query, name, about, schema)
    }

    pub(super) fn flag(self, name: &'static str, about: &'static str) -> Self {
        let schema = json!({"type": "string", "enum": ["true", "false", "1", "0", ""]});
        self.parameter(ParameterLocation::Query, name, about, schema)
    }

    /// A body of JSON, such as this one. Requests may leave out more fields than answers, so their schemas are inlined and not
    /// shared.
    pub(super) fn takes<T: JsonSchema>(mut self, example: &Value) -> Self {
        let mut settings = SchemaSettings::draft2020_12().for_deserialize();
        settings.meta_schema = None;
        settings.inline_subschemas = true;
        let schema = settings.into_generator().into_root_schema_for::<T>();
        let body = json!({"schema": schema, "example": example});
        self.body("application/json", body);
        self
    }

    /// A body of text, such as this one.
    pub(super) fn takes_text(mut self, media: &'static str, example: &str) -> Self {
        self.body(media, json!({"example": example}));
        self
    }

    /// A body that is a form with files.
    pub(super) fn takes_form(mut self, schema: &Value) -> Self {
        self.body("multipart/form-data", json!({"schema": schema}));
        self
    }

    /// A call may take bodies of several media types.
    fn body(&mut self, media: &'static str, body: Value) {
        self.request.get_or_insert_with(|| json!({}))[media] = body;
    }

    pub(super) fn gives<T: JsonSchema>(self, status: u16, about: &'static str) -> Self {
        self.answer(
            status,
            about,
            Some("application/json"),
            Some(SchemaGenerator::subschema_for::<T>),
        )
    }

    /// An answer without a schema, and perhaps without a body.
    pub(super) fn answers(
        self,
        status: u16,
        about: &'static str,
        media: Option<&'static str>,
    ) -> Self {
        self.answer(status, about, media, None)
    }

    fn answer(
        mut self,
        status: u16,
        about: &'static str,
        media: Option<&'static str>,
        schema: Option<fn(&mut SchemaGenerator) -> Schema>,
    ) -> Self {
        self.answers.push(Answer {
            status,
            about,
            media,
            schema,
        });
        self
    }

    pub(super) fn leads_to(self, calls: &'static [&'static str]) -> Self {
        Self {
            leads_to: calls,
            ..self
        }
    }

    pub(super) fn needs(self, role: &'static str) -> Self {
        Self {
            role: Some(role),
            ..self
        }
    }
}
