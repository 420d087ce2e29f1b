//! What a pipeline needs at run time although no component's name says so: drivers and login methods. Without them a
//! binary lints the pipeline and then doesn't start it.

use wombat_model::catalog::{Component, ComponentKind};

use super::document::{NodeId, Value, YamlDocuments, is_true};
use crate::catalog::Schemas;

/// Most items of a list that are looked at.
const MAX_ITEMS: usize = 100;

/// A package that is needed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    /// Last part of the package's path, below the components of Redpanda Connect.
    pub(super) package: &'static str,
    /// Why, for people.
    pub(super) reason: &'static str,
    /// Names of components, or beginnings of names before a `*`.
    components: &'static [&'static str],
    /// The field that decides, from the component's configuration on; lists count by each item.
    field: &'static [&'static str],
    needed: Needed,
}

/// When the package is needed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Needed {
    /// If the driver that the field names can't be picked by itself, or isn't known.
    WithoutDriver,
    /// If it is true.
    IfTrue,
    /// If it is this text.
    If(&'static str),
}

static RULES: [Rule; 6] = [
    Rule {
        package: "sql",
        reason: "It brings all drivers, since the value of `driver` isn't known; with a value, the binary has that one alone and is smaller.",
        components: &["sql", "sql_*"],
        field: &["driver"],
        needed: Needed::WithoutDriver,
    },
    Rule {
        package: "aws",
        reason: "Logging in to Kafka with AWS_MSK_IAM is part of it.",
        components: &["kafka*", "redpanda*"],
        field: &["sasl", "mechanism"],
        needed: Needed::If("AWS_MSK_IAM"),
    },
    Rule {
        package: "aws",
        reason: "Logging in to Kafka with AWS_MSK_IAM is part of it.",
        components: &["ockam_kafka"],
        field: &["kafka", "sasl", "mechanism"],
        needed: Needed::If("AWS_MSK_IAM"),
    },
    Rule {
        package: "aws",
        reason: "Signing requests to OpenSearch with AWS credentials is part of it.",
        components: &["opensearch"],
        field: &["aws", "enabled"],
        needed: Needed::IfTrue,
    },
    Rule {
        package: "aws",
        reason: "Logging in to PostgreSQL with AWS IAM is part of it.",
        components: &["postgres_cdc", "pg_stream"],
        field: &["aws", "enabled"],
        needed: Needed::IfTrue,
    },
    Rule {
        package: "aws",
        reason: "Logging in to MySQL with AWS IAM is part of it.",
        components: &["mysql_cdc"],
        field: &["aws", "enabled"],
        needed: Needed::IfTrue,
    },
];

/// Rules about a component.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// Those that apply.
    pub(super) rules: Vec<&'static Rule>,
    /// Drivers that fields name.
    pub(super) drivers: Vec<(Component, NodeId)>,
    /// Nodes whose values decide whether a rule applies.
    pub(super) decided_by: Vec<NodeId>,
}

/// Rules about a component with this configuration.
pub(super) fn about(
    component: &Component,
    config: Option<NodeId>,
    documents: &YamlDocuments,
    schemas: &Schemas,
) -> Applied {
    let mut applied = Applied::default();
    let driver = |node: NodeId| {
        let name = documents.text(node)?;
        let known = schemas.component(ComponentKind::Driver, name)?;
        (!documents.is_partly_unknown(node)).then(|| known.component())
    };
    for rule in RULES.iter().filter(|rule| rule.is_about(&component.name)) {
        let mut values = Vec::new();
        if let Some(config) = config {
            values_at(config, rule.field, documents, &mut values);
        }
        let is_needed = match rule.needed {
            Needed::WithoutDriver => {
                let named = values.iter().filter_map(|it| Some((driver(*it)?, *it)));
                applied.drivers.extend(named);
                applied.drivers.len() < values.len().max(1)
            }
            Needed::IfTrue => values.iter().any(|it| is_true(documents.value(*it))),
            Needed::If(text) => values.iter().any(|it| documents.text(*it) == Some(text)),
        };
        if is_needed {
            applied.rules.push(rule);
        }
        applied.decided_by.extend(values);
    }
    applied
}

impl Rule {
    fn is_about(&self, name: &str) -> bool {
        self.components.iter().any(|it| match it.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == *it,
        })
    }
}

/// The values of a field, or the unknown value that stands for it.
fn values_at(node: NodeId, field: &[&str], documents: &YamlDocuments, values: &mut Vec<NodeId>) {
    match (field, documents.value(node)) {
        ([], _) => values.push(node),
        (_, Value::List(items)) => {
            for item in items.iter().take(MAX_ITEMS) {
                // A list in a list holds no fields.
                if !matches!(documents.value(*item), Value::List(_)) {
                    values_at(*item, field, documents, values);
                }
            }
        }
        (_, _) if documents.is_unknown(node) => values.push(node),
        ([name, rest @ ..], Value::Map(_)) => {
            if let Some(value) = documents.get(node, name) {
                values_at(value, rest, documents, values);
            }
        }
        (_, Value::Scalar { .. }) => {}
    }
}
