//! Parses a binary's `list --format json-full`.

mod raw;

use wombat_model::{
    catalog::{
        ComponentKind, ComponentStatus, Documentation, Example, Field, FieldShape, Parameter,
    },
    plain_text::{Form, plain},
};

use raw::{RawComponent, RawField, RawFunction, RawListing};

/// What is part of the rule that Benthos makes of a field's options, and of no other rule.
const RULE_OF_OPTIONS: &str = "is not a valid option for this field";

/// What a binary contains.
#[derive(Debug)]
pub(super) struct Listing {
    /// Every component, deprecated ones included.
    pub(super) components: Vec<Documentation>,
    /// The fields of a pipeline as a whole.
    pub(super) stream: Vec<Field>,
}

/// Parses the output.
pub(super) fn read(json: &[u8]) -> Result<Listing, serde_json::Error> {
    let full: RawListing = serde_json::from_slice(json)?;
    let kinds = [
        (ComponentKind::Buffer, full.buffers),
        (ComponentKind::Cache, full.caches),
        (ComponentKind::Input, full.inputs),
        (ComponentKind::Output, full.outputs),
        (ComponentKind::Processor, full.processors),
        (ComponentKind::RateLimit, full.rate_limits),
        (ComponentKind::Metric, full.metrics),
        (ComponentKind::Tracer, full.tracers),
        (ComponentKind::Scanner, full.scanners),
    ];
    let mappings = [
        (ComponentKind::BloblangFunction, full.bloblang_functions),
        (ComponentKind::BloblangMethod, full.bloblang_methods),
    ];
    let components = kinds
        .into_iter()
        .flat_map(|(kind, raw)| raw.into_iter().map(move |raw| component(kind, raw)));
    let mappings = mappings
        .into_iter()
        .flat_map(|(kind, raw)| raw.into_iter().map(move |raw| function(kind, raw)));
    Ok(Listing {
        components: components.chain(mappings).collect(),
        stream: full.config.into_iter().map(field).collect(),
    })
}

fn status(text: &str) -> ComponentStatus {
    match text {
        "beta" => ComponentStatus::Beta,
        "experimental" => ComponentStatus::Experimental,
        "deprecated" => ComponentStatus::Deprecated,
        _ => ComponentStatus::Stable,
    }
}

/// A name or a title, as plain text.
fn word(text: &str) -> String {
    plain(text, Form::Line).into_owned()
}

fn words(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| word(text)).collect()
}

/// Documentation or an example, as plain text. Values, such as defaults, stay as they are.
fn prose(text: &str) -> String {
    plain(text, Form::Page).into_owned()
}

fn component(kind: ComponentKind, raw: RawComponent) -> Documentation {
    let examples = raw.examples.unwrap_or_default().into_iter();
    Documentation {
        kind,
        name: word(&raw.name),
        status: status(&raw.status),
        support: word(&raw.support_level),
        since: word(&raw.version),
        categories: words(&raw.categories.unwrap_or_default()),
        summary: prose(&raw.summary),
        description: prose(&raw.description),
        config: Some(field(raw.config)),
        parameters: Vec::new(),
        variadic: None,
        examples: examples
            .map(|example| Example {
                title: word(&example.title),
                summary: prose(&example.summary),
                config: prose(&example.config),
            })
            .collect(),
    }
}

fn field(raw: RawField) -> Field {
    let annotated = raw.annotated_options.unwrap_or_default().into_iter();
    let mut options = raw.options.unwrap_or_default();
    options.extend(annotated.map(|(option, _)| option));
    let only_options = !options.is_empty() && raw.linter.contains(RULE_OF_OPTIONS);
    Field {
        name: word(&raw.name),
        of: word(&raw.of),
        shape: match raw.kind.as_str() {
            "array" => FieldShape::Array,
            "2darray" => FieldShape::TwoDimensions,
            "map" => FieldShape::Map,
            _ => FieldShape::Scalar,
        },
        optional: raw.is_optional || raw.default.is_some(),
        advanced: raw.is_advanced,
        deprecated: raw.is_deprecated,
        secret: raw.is_secret,
        bloblang: raw.bloblang,
        interpolated: raw.interpolated,
        default: raw.default,
        only_options,
        has_rule: !raw.linter.is_empty() && !only_options,
        options,
        description: prose(&raw.description),
        examples: raw.examples.unwrap_or_default(),
        children: raw
            .children
            .unwrap_or_default()
            .into_iter()
            .map(field)
            .collect(),
    }
}

fn function(kind: ComponentKind, raw: RawFunction) -> Documentation {
    let groups = raw.categories.unwrap_or_default();
    let mut categories: Vec<String> = groups.iter().map(|group| group.category.clone()).collect();
    if !raw.category.is_empty() {
        categories.push(raw.category);
    }
    let mut description = raw.description;
    let mut examples = raw.examples.unwrap_or_default();
    for group in groups {
        if !group.description.is_empty() {
            description = format!("{description}\n\n{}", group.description);
        }
        examples.extend(group.examples.unwrap_or_default());
    }
    let parameters = raw.params.named.unwrap_or_default().into_iter();
    Documentation {
        kind,
        name: word(&raw.name),
        status: status(&raw.status),
        support: String::new(),
        since: word(&raw.version),
        categories: words(&categories),
        summary: String::new(),
        description: prose(description.trim()),
        config: None,
        parameters: parameters
            .map(|parameter| Parameter {
                name: word(&parameter.name),
                of: word(&parameter.of),
                optional: parameter.is_optional || parameter.default.is_some(),
                description: prose(&parameter.description),
            })
            .collect(),
        variadic: Some(raw.params.variadic),
        examples: examples
            .into_iter()
            .map(|example| Example {
                title: String::new(),
                summary: prose(&example.summary),
                config: prose(&example.mapping),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn full(input: &serde_json::Value) -> serde_json::Value {
        let plain = |name: &str| json!([{"name": name, "config": {"type": "object"}}]);
        json!({
            "config": [{"name": "input", "type": "input"}],
            "inputs": [input],
            "buffers": plain("b"), "caches": plain("c"), "outputs": plain("o"), "processors": plain("p"),
            "rate-limits": plain("r"), "metrics": plain("m"), "tracers": plain("t"), "scanners": plain("s"),
            "bloblang-functions": [{"name": "f", "params": {"named": [{"name": "x", "type": "string"}]}}],
            "bloblang-methods": [{"name": "m", "categories": [{"Category": "Strings", "Description": "d"}]}],
        })
    }

    #[test]
    fn every_kind_is_read() {
        let input = json!({"name": "i", "config": {"type": "string", "kind": "array"}});
        let listing = read(full(&input).to_string().as_bytes()).unwrap();
        let kinds: BTreeSet<ComponentKind> = listing.components.iter().map(|it| it.kind).collect();
        let all = ComponentKind::ALL.iter().copied();
        // Binaries don't list drivers.
        let listed = all.filter(|kind| *kind != ComponentKind::Driver);
        assert_eq!(kinds, listed.collect());
        assert_eq!(listing.stream[0].of, "input");
        let method = listing.components.last().unwrap();
        assert_eq!(
            (method.categories[0].as_str(), method.description.as_str()),
            ("Strings", "d")
        );
    }

    #[test]
    fn fields_keep_what_decides_how_they_are_read() {
        let input = json!({
            "name": "i", "status": "beta", "support_level": "certified", "summary": "s",
            "config": {"type": "object", "children": [
                {"name": "a", "type": "processor", "kind": "2darray", "default": []},
                {"name": "b", "type": "string", "bloblang": true, "annotated_options": [["x", "why"]]},
            ]},
        });
        let listing = read(full(&input).to_string().as_bytes()).unwrap();
        let input = listing.components.iter().find(|it| it.name == "i").unwrap();
        assert_eq!(
            (input.status, input.support.as_str()),
            (ComponentStatus::Beta, "certified")
        );
        let config = input.config.as_ref().unwrap();
        let a = config.child("a").unwrap();
        assert_eq!((a.shape, a.optional), (FieldShape::TwoDimensions, true));
        let b = config.child("b").unwrap();
        assert!(b.bloblang && !b.optional && b.options == ["x"]);
    }

    #[test]
    fn rules_of_options_are_told_from_others() {
        let rule = "let options = {}\nroot = {\"type\": 2, \"what\": \"value %v is not a valid option for this field\"}";
        let input = json!({
            "name": "i",
            "config": {"type": "object", "linter": "root = []", "children": [
                {"name": "a", "type": "string", "options": ["x"], "linter": rule},
                {"name": "b", "type": "string", "options": ["x"]},
            ]},
        });
        let listing = read(full(&input).to_string().as_bytes()).unwrap();
        let input = listing.components.iter().find(|it| it.name == "i").unwrap();
        let config = input.config.as_ref().unwrap();
        assert!(config.has_rule && !config.only_options);
        let [a, b] = config.children.as_slice() else {
            panic!("{config:?}");
        };
        assert!(a.only_options && !a.has_rule && !b.only_options && !b.has_rule);
        let function = &listing.components[listing.components.len() - 2];
        assert_eq!(function.variadic, Some(false), "{function:?}");
    }

    #[test]
    fn documentation_is_plain_text_and_values_stay() {
        let input = json!({
            "name": "i\u{200b}", "summary": "\u{202e}s", "description": "a\r\n\tb\u{1b}[2J",
            "version": "1\u{7}", "categories": ["c\u{feff}"],
            "examples": [{"title": "t\u{2066}", "summary": "", "config": "\ta: b\n"}],
            "config": {"type": "object", "children": [
                {"name": "f\u{200f}", "type": "string", "default": "\u{0}", "description": "d\u{9b}1m"},
            ]},
        });
        let listing = read(full(&input).to_string().as_bytes()).unwrap();
        let input = listing.components.iter().find(|it| it.name == "i").unwrap();
        let texts = [
            &input.summary,
            &input.description,
            &input.since,
            &input.categories[0],
        ];
        assert_eq!(texts, ["s", "a\n\tb", "1", "c"]);
        let example = &input.examples[0];
        assert_eq!(
            (example.title.as_str(), example.config.as_str()),
            ("t", "\ta: b\n")
        );
        let field = &input.config.as_ref().unwrap().children[0];
        assert_eq!(
            (field.name.as_str(), field.description.as_str()),
            ("f", "d")
        );
        assert_eq!(field.default, Some(json!("\u{0}")));
    }

    #[test]
    fn what_is_no_listing_is_refused() {
        assert!(read(b"{}").is_err());
    }
}
