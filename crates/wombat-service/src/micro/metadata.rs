//! Metadata for `nats micro info`: description, schemas and an example.

use std::collections::HashMap;

use schemars::{
    Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use wombat_model::wire::ErrorBody;

use crate::endpoints::{Endpoint, RootSchema};

/// Metadata of an endpoint.
pub(super) fn of(endpoint: Endpoint) -> HashMap<String, String> {
    let definition = endpoint.definition();
    HashMap::from(
        [
            ("description", definition.description.to_owned()),
            ("request-schema", read_schema(definition.request)),
            ("response-schema", written_schema(definition.response)),
            ("example", definition.example.to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    )
}

/// Metadata of a service.
pub(super) fn of_service() -> HashMap<String, String> {
    let schema = written_schema(SchemaGenerator::into_root_schema_for::<ErrorBody>);
    HashMap::from([("error-schema".to_owned(), schema)])
}

fn read_schema(root: RootSchema) -> String {
    minified(root, SchemaSettings::draft2020_12().for_deserialize())
}

fn written_schema(root: RootSchema) -> String {
    minified(root, SchemaSettings::draft2020_12().for_serialize())
}

/// One line, without the parts that every schema has: people read this in a terminal.
fn minified(root: RootSchema, mut settings: SchemaSettings) -> String {
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let mut schema = root(settings.into_generator());
    RecursiveTransform(|schema: &mut Schema| {
        schema.remove("title");
        if let Some(serde_json::Value::String(text)) = schema.get_mut("description") {
            // Links of the source's documentation lead nowhere from here.
            *text = text.replace("[`", "`").replace("`]", "`");
        }
    })
    .transform(&mut schema);
    schema.as_value().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn every_example_fits_its_schema() {
        for endpoint in Endpoint::VARIANTS {
            let metadata = of(*endpoint);
            let schema: Value = serde_json::from_str(&metadata["request-schema"]).unwrap();
            let example: Value = serde_json::from_str(&metadata["example"]).unwrap();
            assert!(jsonschema::is_valid(&schema, &example), "{endpoint:?}");
            assert!(!metadata["response-schema"].contains("[`"), "{endpoint:?}");
            for key in ["$schema", "title"] {
                assert!(schema.get(key).is_none(), "{endpoint:?}: {key}");
            }
        }
    }

    #[test]
    fn all_of_it_fits_into_one_message_of_the_smallest_server() {
        let endpoints: Vec<_> = Endpoint::VARIANTS.iter().copied().map(of).collect();
        let written = serde_json::to_vec(&endpoints).unwrap();
        // Names and subjects come on top.
        assert!(
            written.len() < wombat_store::LARGEST_MESSAGE / 2,
            "{}",
            written.len()
        );
    }
}
