//! Packages that values of fields need.

use super::{super::pipeline::Pipeline, *};

#[test]
fn opensearch_signs_with_aws() {
    all_need(
        include_str!("inputs/signed-opensearch.yaml"),
        &[
            (&[], &["aws"]),
            (&[("True", "yes")], &["aws"]),
            (&[("True", "\"on\"")], &["aws"]),
            (&[("True", "${SIGNED:Y}")], &["aws"]),
            (
                &[(
                    "aws:\n      enabled: True",
                    "aws: {region: a, enabled: TRUE}",
                )],
                &["aws"],
            ),
            (
                &[("aws:\n      enabled: True", "aws: ${AWS:{enabled: on}}")],
                &["aws"],
            ),
            (&[("True", "False")], &["opensearch"]),
            (&[("True", "no")], &["opensearch"]),
            (&[("True", "${SIGNED:off}")], &["opensearch"]),
            (&[("    aws:\n      enabled: True\n", "")], &["opensearch"]),
        ],
    );
    let text = edited(
        include_str!("inputs/signed-opensearch.yaml"),
        &[("True", "${SIGNED:no}")],
    );
    for (value, expected) in [
        ("yes", "aws"),
        ("true", "aws"),
        ("no", "opensearch"),
        ("", "opensearch"),
    ] {
        assert_eq!(
            packages_with(&text, &[("SIGNED", value)]),
            [expected],
            "{value:?}"
        );
    }
}

#[test]
fn database_logins_need_aws() {
    for pipeline in [
        "input: {mysql_cdc: {dsn: a, tables: [b], checkpoint_cache: c, stream_snapshot: true, aws: {enabled: @, endpoint: d}}}",
        "input: {postgres_cdc: {dsn: a, schema: b, tables: [c], slot_name: d, aws: {enabled: @, endpoint: e}}}",
        "input: {pg_stream: {dsn: a, schema: b, tables: [c], slot_name: d, aws: {enabled: @, endpoint: e}}}",
    ] {
        for (value, is_needed) in [
            ("true", true),
            ("Yes", true),
            ("${A:on}", true),
            ("false", false),
            ("no", false),
            ("${A:N}", false),
        ] {
            let pipeline = pipeline.replace('@', value);
            let question = SelectQuestion::of(pipeline.clone());
            let read = Pipeline::read(&question, &KNOWN.1, None);
            assert_eq!(read.merged.mistakes.len(), 0, "{pipeline}");
            assert_eq!(read.merged.components.len(), 1, "{pipeline}");
            let has_aws = read.merged.rules.iter().any(|rule| rule.package == "aws");
            assert_eq!(has_aws, is_needed, "{pipeline}");
        }
    }
}

#[test]
fn kafka_logs_in_with_aws() {
    for component in ["kafka_franz", "redpanda"] {
        let text = format!(
            "output:\n  {component}:\n    seed_brokers: [a]\n    topic: b\n    sasl:\n      - mechanism: PLAIN\n      - mechanism: @\n"
        );
        for (mechanism, is_aws) in [
            ("AWS_MSK_IAM", true),
            ("\"AWS_MSK_IAM\"", true),
            ("${M:AWS_MSK_IAM}", true),
            ("SCRAM-SHA-256", false),
            ("${M:PLAIN}", false),
        ] {
            let found = packages(&text.replace('@', mechanism));
            let expected = if is_aws { "aws" } else { "kafka" };
            assert_eq!(found, [expected], "{component} {mechanism}");
        }
    }
}

#[test]
fn sql_needs_its_drivers() {
    for (pipeline, expected) in [
        (
            "input: {sql_raw: {driver: postgres, dsn: a, query: b}}",
            ["pq", "base"].as_slice(),
        ),
        (
            "output: {sql_insert: {driver: '${D:mysql}', dsn: a, table: b, columns: [c], args_mapping: 'root = []'}}",
            &["mysql", "base"],
        ),
        (
            "cache_resources: [{label: a, sql: {driver: sqlite, dsn: b, table: c, key_column: d, value_column: e}}]",
            &["base", "sqlite"],
        ),
        (
            "pipeline: {processors: [{sql_select: {driver: '${D}', dsn: a, table: b, columns: [c]}}]}",
            &["sql"],
        ),
    ] {
        assert_eq!(packages(pipeline), expected, "{pipeline}");
    }
}
