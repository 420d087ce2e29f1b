//! SQL drivers, sizes and licences, with what the embedded catalog knows.

use wombat_model::{AcceptedLicence, LicenceArgs, ProblemCode};

use super::*;
use crate::resolve::Policy;

const SQL: &str = "input:\n  sql_select:\n    driver: postgres\n    dsn: a\n    table: t\n    columns: [\"*\"]\noutput:\n  stdout: {}\n";

fn on(goarch: &str, pipeline: &str) -> SelectAnswer {
    let question = SelectQuestion {
        goarch: goarch.to_owned(),
        ..SelectQuestion::of(pipeline.to_owned())
    };
    let (snapshot, schemas) = &*KNOWN;
    select(
        &question,
        snapshot,
        schemas,
        &ServiceArgs::default().policy(),
    )
    .unwrap()
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
    let refused = answer(pipeline);
    let [problem] = refused.problems.as_slice() else {
        panic!("{:?}", refused.problems);
    };
    assert_eq!(problem.code, ProblemCode::LicenceNotAccepted);
    for words in ["`input/postgres_cdc`", "--accept-licence RCL"] {
        assert!(problem.message.contains(words), "{}", problem.message);
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
