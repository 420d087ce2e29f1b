//! The OpenAPI 3.1 document: every call of the gateway, with schemas made from the types that are read and written.
//!
//! *calls*: the list, which a test compares with the router · *call*: the parts of one · *choices*: values of parameters ·
//! here: the document.

mod call;
mod calls;
mod choices;
mod media_types;

use std::sync::LazyLock;

use bytes::Bytes;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value, json};
use wombat_model::wire::LoggedEntry;

use crate::ProblemDocument;
use call::{Answer, Call, ParameterLocation};
use calls::calls;

/// Place of the schemas in the document.
const SCHEMAS: &str = "/components/schemas";

/// The document, as it is served.
pub(crate) static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());

fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.meta_schema = None;
    settings.definitions_path = SCHEMAS.into();
    settings
        .transforms
        .push(Box::new(RecursiveTransform(without_null)));
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for call in calls() {
        let operation = operation(&call, &mut generator);
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method] = operation;
    }
    // Streams of events have it as data besides builds.
    generator.subschema_for::<LoggedEntry>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wombat Builder",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Builds Go binaries with exactly the Redpanda Connect and Benthos components that are picked. Not affiliated with Redpanda.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [
            {"name": "builds", "description": "Requesting, following and downloading binaries."},
            {"name": "catalog", "description": "What can be built, and what a pipeline needs."},
            {"name": "service", "description": "Builders, statistics and health."},
        ],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token has a role: reader, operator or admin."},
            },
        },
    })
}

/// A field that may be left out is left out, and never written as null.
fn without_null(schema: &mut Schema) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let required: Vec<&str> = required
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let Some(Value::Object(fields)) = schema.get_mut("properties") else {
        return;
    };
    for (_, field) in fields
        .iter_mut()
        .filter(|(name, _)| !required.contains(&name.as_str()))
    {
        if let Some(Value::Array(types)) = field.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                field["type"] = only.clone();
            }
        }
        if let Some(Value::Array(choices)) = field.get_mut("anyOf") {
            choices.retain(|choice| choice != &json!({"type": "null"}));
        }
        if let Some(Value::Array(values)) = field.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
    }
}

fn operation(call: &Call, generator: &mut SchemaGenerator) -> Value {
    let parameters: Vec<Value> = call
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "name": parameter.name,
                "in": <&str>::from(parameter.location),
                "required": parameter.location == ParameterLocation::Path,
                "description": parameter.about,
                "schema": parameter.schema,
            })
        })
        .collect();
    let mut operation = json!({
        "operationId": call.id,
        "tags": [call.tag],
        "summary": call.about,
        "parameters": parameters,
    });
    if let Some(body) = &call.request {
        operation["requestBody"] = json!({"required": true, "content": body});
    }
    let mut answers = Map::new();
    for Answer {
        status,
        about,
        media,
        schema,
    } in &call.answers
    {
        let mut answer = json!({"description": about});
        if schema.is_some() && !call.leads_to.is_empty() {
            let links = call.leads_to.iter().map(|id| {
                let link = json!({"operationId": id, "parameters": {"id": "$response.body#/id"}});
                ((*id).to_owned(), link)
            });
            answer["links"] = links.collect::<Map<_, _>>().into();
        }
        if let Some(media) = media {
            let schema = schema.map(|schema| schema(generator));
            answer["content"] =
                json!({*media: schema.map_or(json!({}), |it| json!({"schema": it}))});
        }
        answers.insert(status.to_string(), answer);
    }
    let problem = generator.subschema_for::<ProblemDocument>();
    let problem = json!({
        "description": "An error, with its problems.",
        "content": {"application/problem+json": {"schema": problem}},
    });
    answers.insert("default".to_owned(), problem);
    operation["responses"] = answers.into();
    if let Some(role) = call.role {
        operation["security"] = json!([{"token": []}]);
        operation["description"] = format!("Needs a token with the role `{role}`.").into();
    }
    operation
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests may block")]

    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// `method path` of every route.
    fn routes() -> BTreeSet<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routes/mod.rs");
        let text = fs::read_to_string(source).unwrap();
        let mut routes = BTreeSet::new();
        for route in text.split(".route(").skip(1) {
            let path = route.split('"').nth(1).unwrap();
            let end = route.find("\n        .").unwrap_or(route.len());
            for method in ["get", "post", "put", "delete", "head"] {
                let called = format!("{method}(");
                let handlers = &route[path.len()..end.max(path.len())];
                let is_called = handlers.match_indices(&called).any(|(place, _)| {
                    !handlers[..place].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                });
                if is_called {
                    routes.insert(format!("{method} {path}"));
                }
            }
        }
        routes
    }

    /// The website's types are generated from that file. With `WOMBAT_RENEW_DOCS=1`, this test writes it.
    #[test]
    fn the_site_has_this_document() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/openapi.json");
        let document = format!("{:#}\n", document());
        if std::env::var_os("WOMBAT_RENEW_DOCS").is_some() {
            fs::write(&path, &document).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == document,
            "ui/openapi.json is another; renew it with WOMBAT_RENEW_DOCS=1, then run `npm --prefix ui run types`"
        );
    }

    #[test]
    fn the_document_tells_of_every_route() {
        let document = document();
        let mut told = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                told.insert(format!("{method} {path}"));
            }
        }
        assert_eq!(told, routes());
    }

    #[test]
    fn what_it_refers_to_is_there_and_names_are_used_once() {
        fn references(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(fields) => {
                    if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                        found.insert(reference.to_owned());
                    }
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let calls = calls();
        let ids: BTreeSet<&str> = calls.iter().map(|call| call.id).collect();
        assert_eq!(ids.len(), calls.len());
        for call in &calls {
            for name in call.path.split(['{', '}']).skip(1).step_by(2) {
                let has = |it: &&super::call::Parameter| {
                    it.name == name && it.location == ParameterLocation::Path
                };
                assert!(
                    call.parameters.iter().any(|it| has(&it)),
                    "{} {name}",
                    call.path
                );
            }
        }
    }
}
