//! Packages that a pipeline needs at run time although no component names them: drivers and login methods. Without them
//! a binary lints the pipeline and then doesn't start it.

use wombat_model::catalog::Component;

use super::document::{NodeId, Value, YamlDocuments};

/// A package that is needed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    /// Last part of the package's path, below the components of Redpanda Connect.
    pub(super) package: &'static str,
    /// Why, for people.
    pub(super) reason: &'static str,
}

static DRIVERS: Rule = Rule {
    package: "sql",
    reason: "It brings the drivers; without one an SQL component doesn't start.",
};
static MSK: Rule = Rule {
    package: "aws",
    reason: "Logging in to Kafka with AWS_MSK_IAM is part of it.",
};
static SIGNED: Rule = Rule {
    package: "aws",
    reason: "Signing requests to OpenSearch with AWS credentials is part of it.",
};

/// Rules that apply to a component with this configuration.
pub(super) fn of(
    component: &Component,
    config: Option<NodeId>,
    documents: &YamlDocuments,
) -> Vec<&'static Rule> {
    let name = component.name.as_str();
    let mut rules = Vec::new();
    if name == "sql" || (name.starts_with("sql_") && name != "sql_driver") {
        rules.push(&DRIVERS);
    }
    let Some(config) = config else {
        return rules;
    };
    let speaks_kafka = ["kafka", "redpanda", "ockam"]
        .iter()
        .any(|it| name.starts_with(it));
    if speaks_kafka && holds(documents, documents.get(config, "sasl"), "AWS_MSK_IAM") {
        rules.push(&MSK);
    }
    let aws = documents.get(config, "aws");
    let enabled = aws.and_then(|aws| documents.text(documents.get(aws, "enabled")?));
    if name == "opensearch" && enabled == Some("true") {
        rules.push(&SIGNED);
    }
    rules
}

/// Whether a node is this text, or has it as a value or as the `mechanism` of an item.
fn holds(documents: &YamlDocuments, node: Option<NodeId>, wanted: &str) -> bool {
    let Some(node) = node else { return false };
    match &documents.node(node).value {
        Value::Scalar { text, .. } => text == wanted,
        Value::List(items) => items.iter().any(|item| {
            let mechanism = documents.get(*item, "mechanism");
            mechanism.and_then(|it| documents.text(it)) == Some(wanted)
        }),
        Value::Map(entries) => entries
            .iter()
            .any(|(_, value)| documents.text(*value) == Some(wanted)),
    }
}
