//! What only the components' own code knows: fields that exclude each other, or that need each other. A generated
//! pipeline follows these rules; the catalog's schemas don't have them.

/// How a field is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Always,
    Never,
}

/// Fields that a rule is about.
const USES: [(&str, Use); 42] = [
    // A way to connect.
    ("input/amqp_1.urls", Use::Always),
    ("output/amqp_1.urls", Use::Always),
    ("output/amqp_1.target_address", Use::Always),
    ("*.endpoint_params", Use::Never),
    ("*.host_public_key_file", Use::Never),
    ("*.private_key_file", Use::Never),
    // Code, or a file with it.
    ("processor/javascript.code", Use::Always),
    ("processor/javascript.file", Use::Never),
    // Topics by name, for a group.
    ("input/kafka_franz.topics", Use::Always),
    ("input/kafka_franz.consumer_group", Use::Always),
    ("input/kafka_franz.regexp_topics", Use::Never),
    ("input/kafka_franz.regexp_topics_include", Use::Never),
    ("input/kafka_franz.regexp_topics_exclude", Use::Never),
    ("input/kafka_franz.start_from_oldest", Use::Never),
    ("input/redpanda.topics", Use::Always),
    ("input/redpanda.consumer_group", Use::Always),
    ("input/redpanda.regexp_topics", Use::Never),
    ("input/redpanda.regexp_topics_include", Use::Never),
    ("input/redpanda.regexp_topics_exclude", Use::Never),
    ("input/redpanda.start_from_oldest", Use::Never),
    // Settings of writers that exclude each other.
    ("output/kafka_franz.partitioner", Use::Never),
    ("output/kafka_franz.partition", Use::Never),
    ("output/kafka_franz.timestamp", Use::Never),
    ("output/kafka_franz.acks", Use::Never),
    ("output/kafka_franz.max_in_flight_requests", Use::Never),
    ("output/redpanda.partitioner", Use::Never),
    ("output/redpanda.partition", Use::Never),
    ("output/redpanda.timestamp", Use::Never),
    ("output/redpanda.acks", Use::Never),
    ("output/redpanda.max_in_flight_requests", Use::Never),
    ("input/nats_jetstream.queue", Use::Never),
    ("processor/nats_kv.revision", Use::Never),
    // Schemas, wherever they come from.
    ("processor/parquet_encode.schema", Use::Always),
    ("processor/parquet_encode.schema_metadata", Use::Never),
    ("processor/protobuf.import_paths", Use::Always),
    ("processor/protobuf.bsr", Use::Never),
    // The new way to write a command or query.
    ("processor/redis.command", Use::Always),
    ("processor/redis.operator", Use::Never),
    ("processor/sql_raw.query", Use::Always),
    ("output/sql_raw.query", Use::Always),
    ("output/sql_raw.queries", Use::Never),
    ("output/switch.retry_until_success", Use::Never),
];

/// Values that a rule demands.
const VALUES: [(&str, &str); 5] = [
    ("*.topics", "foo"),
    ("processor/nats_kv.operation", "get"),
    ("processor/nats_kv.key", "foo"),
    ("processor/parquet.operator", "to_json"),
    ("*.designated_timestamp_unit", "auto"),
];

/// How a field is used, if a rule is about it.
pub(super) fn of(path: &str) -> Option<Use> {
    let found = USES.iter().find(|(rule, _)| fits(rule, path));
    found.map(|(_, it)| *it)
}

/// Whether a rule is about a component of this name: the rule doesn't see fields that are merged.
pub(super) fn is_about(name: &str) -> bool {
    let component = |path: &str| {
        let (_, rest) = path.split_once('/')?;
        Some(rest.split_once('.')?.0 == name)
    };
    USES.iter().any(|(path, _)| component(path) == Some(true))
}

/// The value of a field, if a rule demands one.
pub(super) fn value(path: &str) -> Option<&'static str> {
    let found = VALUES.iter().find(|(rule, _)| fits(rule, path));
    found.map(|(_, value)| *value)
}

/// Whether a rule is about a path. A rule that begins with `*` is about the end of paths.
fn fits(rule: &str, path: &str) -> bool {
    match rule.strip_prefix('*') {
        Some(end) => path.ends_with(end),
        None => rule == path,
    }
}
