//! SQL drivers, sizes and licences, with what the embedded catalog knows.

use std::collections::BTreeMap;

use wombat_model::{AcceptedLicence, LicenceArgs, ModulePath, ProblemCode};

use super::{
    super::{built::by_own_schemas, select_by},
    *,
};
use crate::resolve::Policy;

const SQL: &str = "input:\n  sql_select:\n    driver: postgres\n    dsn: a\n    table: t\n    columns: [\"*\"]\noutput:\n  stdout: {}\n";

fn on(goarch: &str, pipeline: &str) -> SelectAnswer {
    let question = SelectQuestion {
        goarch: goarch.to_owned(),
        ..SelectQuestion::of(pipeline.to_owned())
    };
    answer_to(&question)
}

fn notes(answer: &SelectAnswer) -> String {
    answer.resolution.as_ref().unwrap().notes.join(" ")
}

fn reason(answer: &SelectAnswer, name: &str) -> String {
    let mut packages = answer.resolution.as_ref().unwrap().packages.iter();
    let package = packages.find(|package| package.url.short_name() == name);
    package
        .unwrap_or_else(|| panic!("no {name}"))
        .reason
        .clone()
}

/// In tenths of a megabyte.
fn size(answer: &SelectAnswer) -> u64 {
    let bytes = answer.resolution.as_ref().unwrap().estimated_bytes;
    bytes.expect("a size") / 100_000
}

#[test]
fn the_field_driver_picks_one_driver() {
    for (driver, expected) in [
        ("postgres", vec!["pq", "base"]),
        ("pgx", vec!["stdlib", "base"]),
        ("mysql", vec!["mysql", "base"]),
        ("clickhouse", vec!["v2", "base"]),
        ("'sqlite'", vec!["base", "sqlite"]),
        ("${A:trino}", vec!["base", "trino"]),
    ] {
        assert_eq!(
            packages(&SQL.replace("postgres", driver)),
            expected,
            "{driver}"
        );
    }
    let answer = answer(SQL);
    assert!((250..300).contains(&size(&answer)), "{}", size(&answer));
    let found: Vec<String> = answer
        .components
        .iter()
        .map(|it| format!("{}:{} {}", it.line, it.column, it.component))
        .collect();
    assert!(
        found.contains(&"3:13 driver/postgres".to_owned()),
        "{found:?}"
    );
    let two = format!(
        "{SQL}cache_resources:\n  - label: a\n    sql: {{driver: mysql, dsn: a, table: b, key_column: c, value_column: d}}\n"
    );
    assert_eq!(packages(&two), ["mysql", "pq", "base"]);
    let buffer = "buffer:\n  sqlite: {path: a}\n";
    assert_eq!(packages(buffer), ["base", "sqlite"]);
}

#[test]
fn a_pipeline_with_a_driver_is_read_once() {
    let (snapshot, schemas) = &*KNOWN;
    let question = SelectQuestion::of(SQL.to_owned());
    let policy = ServiceArgs::default().policy();
    let (mut readings, mut last) = (0, None);
    let answer = by_own_schemas(&BTreeMap::new(), snapshot, schemas, |schemas| {
        readings += 1;
        select_by(&question, snapshot, schemas, &policy, &mut last)
    });
    assert_eq!(readings, 1);
    let mut modules = answer.unwrap().resolution.expect("a resolution").modules;
    let is_driver = |module: &ModulePath| !snapshot.has(module);
    assert!(modules.keys().any(is_driver), "{modules:?}");
    assert!(schemas.are_of(&modules));
    // Another release of a module with schemas.
    let connect = "github.com/redpanda-data/connect/v4".parse().unwrap();
    modules.insert(connect, "v4.85.0".parse().unwrap());
    assert!(!schemas.are_of(&modules));
}

#[test]
fn an_unknown_driver_brings_all_of_them_and_says_why() {
    for driver in ["${A}", "p${A}"] {
        let answer = answer(&SQL.replace("postgres", driver));
        assert_eq!(last_parts(&answer), ["sql"], "{driver}");
        assert_eq!(answer.warnings.len(), 1, "{driver}");
        let reason = reason(&answer, "sql");
        assert!(reason.contains("isn't known"), "{reason}");
    }
    let pipeline = SQL.replace("postgres", "${A}");
    assert_eq!(
        packages_with(&pipeline, &[("A", "postgres")]),
        ["pq", "base"]
    );
}

#[test]
fn a_driver_that_is_left_out_on_a_platform_is_named() {
    let sqlite = SQL.replace("postgres", "sqlite");
    for goarch in ["s390x", "ppc64le"] {
        let answer = on(goarch, &sqlite);
        assert_eq!(answer.problems, [], "{goarch}");
        assert_eq!(last_parts(&answer), ["base", "sqlite"], "{goarch}");
        let notes = notes(&answer);
        for words in [
            "`driver/sqlite` isn't part of",
            goarch,
            "`modernc.org/sqlite` brings it",
        ] {
            assert!(notes.contains(words), "{notes}");
        }
    }
    assert!(!notes(&on("amd64", &sqlite)).contains("isn't part of"));
    let whole = on("s390x", &SQL.replace("postgres", "${A}"));
    assert!(
        notes(&whole).contains("`driver/sqlite` isn't part of"),
        "{}",
        notes(&whole)
    );
    let parquet = "pipeline:\n  processors:\n    - parquet: {operator: to_json}\n";
    let problems = on("arm", parquet).problems;
    assert_eq!(problems[0].code, ProblemCode::EmptyOnPlatform);
    assert!(problems[0].message.contains("linux/amd64"), "{problems:?}");
}

#[test]
fn a_driver_that_is_left_out_is_named_however_it_is_written() {
    for pipeline in [
        // Another component, and another default.
        "output:\n  sql_insert: {driver: '${D:sqlite}', dsn: a, table: t, columns: [c], args_mapping: 'root = []'}\n",
        // Another indentation.
        "input:\n      sql_select:\n         driver: sqlite\n         dsn: a\n         table: t\n         columns:\n         - '*'\n",
        // Other positions.
        "pipeline:\n  processors:\n    - branch:\n        processors:\n          - sql_raw: {driver: sqlite, dsn: a, query: b}\n",
        "cache_resources:\n  - label: a\n    sql: {driver: sqlite, dsn: a, table: b, key_column: c, value_column: d}\n",
        // Other styles.
        r#"{"input": {"sql_select": {"driver": "\u0073qlite", "dsn": "a", "table": "t", "columns": ["*"]}}}"#,
        "x: &driver sqlite\ninput:\n  type: sql_select\n  sql_select:\n    driver: *driver\n    dsn: a\n    table: t\n    columns: ['*']\n# BENTHOS LINT DISABLE\n",
    ] {
        let answer = on("s390x", pipeline);
        assert_eq!(last_parts(&answer), ["base", "sqlite"], "{pipeline}");
        let notes = notes(&answer);
        assert!(notes.contains("`driver/sqlite` isn't part of"), "{notes}");
    }
}

#[test]
fn the_smallest_binary_is_chosen() {
    let answer = answer(
        "input:\n  kafka_franz: {seed_brokers: [a], topics: [b]}\noutput:\n  opensearch: {urls: [a], index: b, action: index, id: c}\n",
    );
    assert_eq!(last_parts(&answer), ["kafka", "opensearch"]);
    assert_eq!(size(&answer), 346);
    let reason = reason(&answer, "kafka");
    assert!(
        reason.contains("`aws`: 34.7 MB instead of 82.3 MB"),
        "{reason}"
    );
}

#[test]
fn an_enterprise_feature_needs_consent() {
    let pipeline = "input:\n  postgres_cdc: {dsn: a, schema: public, tables: [b], slot_name: c}\n";
    for (pipeline, name) in [
        (pipeline, "postgres_cdc"),
        // Another component.
        (
            "input:\n  mysql_cdc: {dsn: a, tables: [b], checkpoint_cache: c, stream_snapshot: true}\n",
            "mysql_cdc",
        ),
        // Another indentation and position.
        (
            "input:\n  broker:\n    inputs:\n        -   postgres_cdc:\n                dsn: a\n                schema: public\n                tables:\n                - b\n                slot_name: c\n",
            "postgres_cdc",
        ),
        (
            "input_resources:\n  - label: a\n    postgres_cdc: {dsn: a, schema: public, tables: [b], slot_name: c}\n",
            "postgres_cdc",
        ),
        // Another default.
        (
            "input:\n  ${IN:postgres_cdc}: {dsn: '${DSN:a}', schema: public, tables: [b], slot_name: c}\n",
            "postgres_cdc",
        ),
        // Another style.
        (
            r#"{"input": {"type": "postgres_cdc", "postgres_cdc": {"dsn": "a", "schema": "public", "tables": ["b"], "slot_name": "c"}}}"#,
            "postgres_cdc",
        ),
    ] {
        let refused = answer(pipeline);
        assert_eq!(refused.mistakes, [], "{pipeline}");
        let [problem] = refused.problems.as_slice() else {
            panic!("{pipeline}: {:?}", refused.problems);
        };
        assert_eq!(problem.code, ProblemCode::LicenceNotAccepted, "{pipeline}");
        for words in [&format!("`input/{name}`"), "--accept-licence RCL"] {
            assert!(problem.message.contains(words), "{}", problem.message);
        }
    }
    let (snapshot, schemas) = &*KNOWN;
    let accepting = Policy {
        licences: LicenceArgs {
            accept_licence: Some(AcceptedLicence::Rcl),
            ..LicenceArgs::default()
        },
        ..Policy::default()
    };
    let question = SelectQuestion::of(pipeline.to_owned());
    let answer = select(&question, snapshot, schemas, &accepting).unwrap();
    assert_eq!(last_parts(&answer), ["postgresql"]);
    assert_eq!(size(&answer), 296);
}
