//! Metadata for `nats micro info`: description, schemas and an example.

use std::collections::HashMap;

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform},
};
use wombat_model::{
    catalog::Import,
    request::RequestBody,
    wire::{
        BlockQuestion, BlocklistAnswer, BuildView, BuildersAnswer, CatalogAnswer, CatalogQuestion,
        ComponentAnswer, ComponentQuestion, ComponentsAnswer, ErrorBody, HealthAnswer, IdQuestion,
        ImportQuestion, ImportsAnswer, ListAnswer, ListQuestion, LogAnswer, LogQuestion,
        NoQuestion, PurgeAnswer, ResolveAnswer, SelectAnswer, SelectQuestion, StatsAnswer,
        StatsQuestion,
    },
};

use crate::endpoints::Endpoint;

/// Metadata of an endpoint.
pub(super) fn of(endpoint: Endpoint) -> HashMap<String, String> {
    let (request, response) = match endpoint {
        Endpoint::Request | Endpoint::Force => (question::<RequestBody>(), answer::<BuildView>()),
        Endpoint::List => (question::<ListQuestion>(), answer::<ListAnswer>()),
        Endpoint::Get | Endpoint::Cancel => (question::<IdQuestion>(), answer::<BuildView>()),
        Endpoint::Purge => (question::<IdQuestion>(), answer::<PurgeAnswer>()),
        Endpoint::Resolve | Endpoint::Ahead => {
            (question::<RequestBody>(), answer::<ResolveAnswer>())
        }
        Endpoint::Log => (question::<LogQuestion>(), answer::<LogAnswer>()),
        Endpoint::Builders => (question::<NoQuestion>(), answer::<BuildersAnswer>()),
        Endpoint::Stats => (question::<StatsQuestion>(), answer::<StatsAnswer>()),
        Endpoint::Health => (question::<NoQuestion>(), answer::<HealthAnswer>()),
        Endpoint::Search => (question::<CatalogQuestion>(), answer::<CatalogAnswer>()),
        Endpoint::Blocklist => (question::<NoQuestion>(), answer::<BlocklistAnswer>()),
        Endpoint::Block => (question::<BlockQuestion>(), answer::<BlocklistAnswer>()),
        Endpoint::Import => (question::<ImportQuestion>(), answer::<Import>()),
        Endpoint::Imports => (question::<NoQuestion>(), answer::<ImportsAnswer>()),
        Endpoint::Select => (question::<SelectQuestion>(), answer::<SelectAnswer>()),
        Endpoint::Components => (question::<CatalogQuestion>(), answer::<ComponentsAnswer>()),
        Endpoint::Component => (question::<ComponentQuestion>(), answer::<ComponentAnswer>()),
    };
    HashMap::from(
        [
            ("description", endpoint.description().to_owned()),
            ("request-schema", request),
            ("response-schema", response),
            ("example", endpoint.example().to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    )
}

/// Metadata of a service.
pub(super) fn of_service() -> HashMap<String, String> {
    HashMap::from([("error-schema".to_owned(), answer::<ErrorBody>())])
}

fn question<T: JsonSchema>() -> String {
    minified::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

fn answer<T: JsonSchema>() -> String {
    minified::<T>(SchemaSettings::draft2020_12().for_serialize())
}

/// One line, without the parts that every schema has: people read this in a terminal.
fn minified<T: JsonSchema>(mut settings: SchemaSettings) -> String {
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
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

    use super::*;

    #[test]
    fn every_example_fits_its_schema() {
        for endpoint in Endpoint::ALL {
            let metadata = of(endpoint);
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
        let endpoints: Vec<_> = Endpoint::ALL.into_iter().map(of).collect();
        let written = serde_json::to_vec(&endpoints).unwrap();
        // Names and subjects come on top.
        assert!(
            written.len() < wombat_store::LARGEST_MESSAGE / 2,
            "{}",
            written.len()
        );
    }
}
