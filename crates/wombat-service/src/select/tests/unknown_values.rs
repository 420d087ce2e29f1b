//! Variables without a value: never a mistake, and named where they decide.

use super::*;

/// A pipeline with an unknown value that decides: the warnings are these, and nothing is wrong.
fn decides(pipeline: &str, expected: &[&str]) {
    let answer = answer(pipeline);
    assert_eq!(answer.mistakes, [], "{pipeline}");
    let said: Vec<String> = expected
        .iter()
        .map(|place| {
            let (at, written) = place.split_once(' ').unwrap();
            format!("{at} `{written}` decides here; give it a value.")
        })
        .collect();
    assert_eq!(lines(&answer.warnings), said, "{pipeline}");
    for variable in &answer.variables {
        let named = expected.iter().any(|it| it.contains(&variable.name));
        assert_eq!(variable.decides, named, "{pipeline}: {}", variable.name);
    }
}

#[test]
fn a_variable_that_decides_is_named() {
    let text = include_str!("inputs/type-from-variable.yaml");
    decides(&edited(text, &[(":nats}", "}")]), &["2:9 ${SOURCE}"]);
    decides(
        &edited(text, &[("${SOURCE:nats}", "'n${SOURCE}'")]),
        &["2:11 ${SOURCE}"],
    );
    decides(
        &edited(text, &[("  type: ${SOURCE:nats}\n  nats:", "  ${SOURCE}:")]),
        &["2:3 ${SOURCE}"],
    );
    for (pipeline, expected) in [
        ("input: ${A}", vec!["1:8 ${A}"]),
        ("input:\n  ${A}\n", vec!["2:3 ${A}"]),
        ("input:\n  label: a\n  ${A}\n", vec!["3:3 ${A}"]),
        ("input: {${A}: {urls: [a]}}", vec!["1:9 ${A}"]),
        (
            "input: {nats: {urls: [a], subject: b}, ${A}: c}",
            vec!["1:40 ${A}"],
        ),
        ("pipeline:\n  processors: ${A}\n", vec!["2:15 ${A}"]),
        ("pipeline:\n  processors:\n    ${A}\n", vec!["3:5 ${A}"]),
        (
            "pipeline:\n  processors:\n    - log: {}\n    ${A}\n    - ${B|base64decode}\n",
            vec!["4:5 ${A}", "5:7 ${B|base64decode}"],
        ),
        (
            "pipeline:\n  processors: [ ${A}, ${B} ]\n",
            vec!["2:17 ${A}", "2:23 ${B}"],
        ),
        ("pipeline:\n  ${A}\n", vec!["2:3 ${A}"]),
        ("pipeline:\n  threads: 1\n  ${A} # more\n", vec!["3:3 ${A}"]),
        (
            "pipeline:\n  processors: ${A}${B}\n",
            vec!["2:15 ${A}", "2:19 ${B}"],
        ),
        ("${A}\ninput: {stdin: {}}\n", vec!["1:1 ${A}"]),
        ("${A}\n", vec!["1:1 ${A}"]),
        ("${A}", vec!["1:1 ${A}"]),
        ("input: {stdin: {}}\n---\n${A}\n", vec!["3:1 ${A}"]),
        (
            "output: {broker: {outputs: [{${A}: {}}]}}",
            vec!["1:30 ${A}"],
        ),
        ("output: {broker: ${A}}", vec!["1:18 ${A}"]),
        (
            "cache_resources:\n  - label: a\n    ${A}: {}\n",
            vec!["3:5 ${A}"],
        ),
        (
            "input: {sql_raw: {driver: ${A}, dsn: b, query: c}}",
            vec!["1:27 ${A}"],
        ),
        (
            "output: {kafka_franz: {seed_brokers: [a], topic: b, sasl: [{mechanism: ${A}}]}}",
            vec!["1:72 ${A}"],
        ),
        (
            "output: {kafka_franz: {seed_brokers: [a], topic: b, sasl: ${A}}}",
            vec!["1:59 ${A}"],
        ),
        (
            "output: {opensearch: {urls: [a], index: b, action: c, id: d, aws: {enabled: ${A}}}}",
            vec!["1:77 ${A}"],
        ),
        (
            "pipeline: {processors: [{mapping: '${A}'}]}",
            vec!["1:36 ${A}"],
        ),
        ("input: &${A} {stdin: {}}\n", vec!["1:9 ${A}"]),
    ] {
        decides(pipeline, &expected);
    }
}

#[test]
fn a_variable_that_decides_nothing_isnt_named() {
    for (pipeline, expected) in [
        (
            "input: {nats: {urls: ['${A}'], subject: \"${B}\"}}",
            vec!["nats"],
        ),
        (
            "input: {nats: {urls: [ ${A}, ${B} ], subject: ${C}}}",
            vec!["nats"],
        ),
        ("input: {nats: {urls: ${A}, subject: a${B}c}}", vec!["nats"]),
        ("input:\n  nats: ${A}\n", vec!["nats"]),
        (
            "input:\n  nats:\n    urls: [a]\n    subject: b\n    ${A}\n",
            vec!["nats"],
        ),
        ("input:\n  nats:\n    ${A}\n", vec!["nats"]),
        (
            "input:\n  nats:\n    urls:\n      - a\n      ${A}\n    subject: b\n",
            vec!["nats"],
        ),
        (
            "input: {nats: {urls: [a], subject: b, ${A}: c}}",
            vec!["nats"],
        ),
        (
            "input: {label: ${A}, nats: {urls: [a], subject: b}}",
            vec!["nats"],
        ),
        (
            "pipeline:\n  threads: ${A}\n  processors:\n    - mapping: |\n        root.a = ${B}\n        ${C}\n        root.b = ${D}(ulid())\n",
            vec!["extended"],
        ),
        (
            "pipeline: {processors: [mapping: 'root = a${A}b(uuid_v4())']}",
            vec!["io"],
        ),
        ("http: ${A}\nlogger: {level: ${B}}\n", vec!["io"]),
        (
            "input: {nats: {urls: [a], subject: b, tls: ${A}}} # ${B}\n",
            vec!["nats"],
        ),
        (
            "input: {sql_raw: {driver: mysql, dsn: ${A}, query: '${B}'}}",
            vec!["mysql", "base"],
        ),
        (
            "input: {nats: {urls: [a], subject: '\u{f8ff} ${A}'}}",
            vec!["nats"],
        ),
    ] {
        let answer = answer(pipeline);
        assert_eq!(answer.mistakes, [], "{pipeline}");
        assert_eq!(answer.warnings, [], "{pipeline}");
        assert_eq!(last_parts(&answer), expected, "{pipeline}");
        assert!(answer.variables.iter().all(|it| !it.decides), "{pipeline}");
    }
}

#[test]
fn mistakes_beside_unknown_values_are_told() {
    for (pipeline, expected) in [
        (
            "input: {natz: {urls: ${A}}}",
            "1:9 There is no input `natz`",
        ),
        ("input:\n  nats: {urls: ${A}\noutput: {}\n", "3:7"),
        (
            "${A}\ninput: {stdin: [}\n",
            "2:17 The YAML can't be read here",
        ),
        ("input: {nats: {url: ${A}}}", "1:16 There is no field `url`"),
    ] {
        let found = mistakes(pipeline);
        assert!(
            found.iter().any(|it| it.starts_with(expected)),
            "{pipeline}: {found:?}"
        );
    }
}
