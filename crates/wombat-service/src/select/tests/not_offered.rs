//! Components and fields that people know from elsewhere, and that aren't offered: the reason, and no hint at another name.

use super::*;

/// Whether all messages of a text are as expected, in order, and none is a guess.
fn are_known(text: &str, ways: &[(Edits<'_>, &[&str])]) {
    for (edits, expected) in ways {
        let pipeline = edited(text, edits);
        let found = mistakes(&pipeline);
        assert_eq!(found.len(), expected.len(), "{pipeline}: {found:?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(found.starts_with(expected), "{pipeline}: {found}");
            assert!(!found.contains("did you mean"), "{pipeline}: {found}");
        }
    }
}

#[test]
fn components_that_need_more_than_go_say_so() {
    let zmq4 = "2:3 Redpanda Connect has the input `zmq4`, but it isn't offered here: it needs cgo";
    let migrator = "6:3 Redpanda Connect has the output `redpanda_migrator`, but it isn't offered here: its package";
    are_known(
        include_str!("inputs/needs-cgo.yaml"),
        &[
            (&[], &[zmq4, migrator]),
            // Other components.
            (
                &[("zmq4", "tigerbeetle_cdc")],
                &[
                    "2:3 Redpanda Connect has the input `tigerbeetle_cdc`",
                    migrator,
                ],
            ),
            (
                &[
                    (
                        "input:\n  zmq4:\n",
                        "pipeline:\n  processors:\n    - wasm: {}\n    - ffi: {}\n    - redpanda_data_transform: {}\nx:\n  y:\n",
                    ),
                    ("x:", "# x"),
                    ("  y:\n", "#\n"),
                    ("    urls", "#"),
                    ("    socket_type", "#"),
                ],
                &[
                    "3:7 Redpanda Connect has the processor `wasm`",
                    "4:7 Redpanda Connect has the processor `ffi`",
                    "5:7 Redpanda Connect has the processor `redpanda_data_transform`",
                    "11:3 Redpanda Connect has the output `redpanda_migrator`",
                ],
            ),
            // Indentation.
            (
                &[
                    (
                        "input:\n  zmq4:\n    urls",
                        "input:\n      zmq4:\n        urls",
                    ),
                    ("    socket", "        socket"),
                ],
                &["2:7 Redpanda Connect has the input `zmq4`", migrator],
            ),
            // Default of a variable.
            (&[("zmq4", "${IN:zmq4}")], &[zmq4, migrator]),
            // Position.
            (
                &[(
                    "input:\n  zmq4:\n    urls: [tcp://localhost:5555]\n    socket_type: PULL\n",
                    "input: {broker: {inputs: [{zmq4: {}}]}}\n",
                )],
                &[
                    "1:28 Redpanda Connect has the input `zmq4`",
                    "3:3 Redpanda Connect has the output `redpanda_migrator`",
                ],
            ),
            // Style.
            (
                &[("  zmq4:", "  type: zmq4\n  zmq4:")],
                &[
                    "2:9 Redpanda Connect has the input `zmq4`",
                    "7:3 Redpanda Connect has the output",
                ],
            ),
        ],
    );
}

#[test]
fn the_field_of_redpandas_own_program_is_explained() {
    let text = include_str!("inputs/field-of-redpandas-program.yaml");
    let field = "1:1 Only Redpanda's own program reads the field `redpanda`";
    are_known(
        text,
        &[
            (&[], &[field]),
            // Other component.
            (
                &[
                    ("redpanda_common", "nats"),
                    (
                        "    topics: [a]\n    consumer_group: b\n",
                        "    urls: [a]\n    subject: b\n",
                    ),
                ],
                &[field],
            ),
            // Indentation.
            (
                &[(
                    "  seed_brokers: [localhost:9092]",
                    "      seed_brokers:\n      - localhost:9092",
                )],
                &[field],
            ),
            // Default of a variable.
            (&[("redpanda:", "${R:redpanda}:")], &[field]),
            // Position.
            (
                &[
                    ("redpanda:\n  seed_brokers: [localhost:9092]\n", ""),
                    ("  stdout: {}\n", "  stdout: {}\nredpanda: {}\n"),
                ],
                &["7:1 Only Redpanda's own program"],
            ),
            // Style.
            (
                &[(
                    "redpanda:\n  seed_brokers: [localhost:9092]",
                    "\"redpanda\": {seed_brokers: [a]}",
                )],
                &[field],
            ),
        ],
    );
    for edits in [
        vec![],
        vec![("input:", "input: # x")],
        vec![(
            "output:\n  stdout",
            "output:\n  redpanda_common: {topic: a}\n#",
        )],
    ] {
        let answer = answer(&edited(text, &edits));
        let said = lines(&answer.warnings);
        assert!(
            said[0].starts_with("4:3 `redpanda_common` comes with Redpanda's enterprise package"),
            "{said:?}"
        );
    }
}

#[test]
fn components_of_earlier_releases_name_their_successor() {
    for (pipeline, expected) in [
        (
            "output: {elasticsearch: {urls: [a]}}",
            "1:10 Earlier releases had the output `elasticsearch`, and later ones don't. Use `elasticsearch_v8`",
        ),
        ("input: {s3: {}}", "1:9 Earlier releases had the input `s3`"),
        (
            "pipeline: {processors: [{text: {}}]}",
            "1:26 Earlier releases had the processor `text`",
        ),
        (
            "metrics: {http_server: {}}",
            "1:11 Earlier releases had the metric `http_server`",
        ),
        (
            "resources: {caches: {}}\ninput: {stdin: {}}",
            "1:1 Since version 4, resources are lists",
        ),
    ] {
        let found = mistakes(pipeline);
        assert!(found[0].starts_with(expected), "{pipeline}: {found:?}");
    }
}

#[test]
fn what_the_catalog_has_is_never_called_missing() {
    assert_eq!(
        packages("input: {redpanda: {seed_brokers: [a], topics: [b]}}"),
        ["kafka"]
    );
    assert_eq!(
        packages("pipeline: {processors: [{try: [{xml: {}}]}]}"),
        ["extended"]
    );
}

#[test]
fn requests_by_name_and_path_get_the_reason_as_well() {
    let (snapshot, schemas) = &*KNOWN;
    for (component, expected) in [
        ("zmq4", "needs cgo"),
        ("output/redpanda_migrator", "wazero"),
        ("processor/wasm", "wazero"),
        ("etcd", "Bento"),
        ("elasticsearch", "elasticsearch_v8"),
    ] {
        let refused = crate::catalog::component(snapshot, schemas, component).unwrap_err();
        assert!(
            refused.summary().contains(expected),
            "{component}: {refused}"
        );
        let question = SelectQuestion {
            components: vec![component.to_owned()],
            ..SelectQuestion::of("input: {stdin: {}}".to_owned())
        };
        let problems = answer_to(&question).problems;
        assert!(
            problems[0].message.contains(expected),
            "{component}: {problems:?}"
        );
        assert!(!problems[0].message.contains("did you mean"), "{component}");
    }
    for (path, expected) in [
        (
            "github.com/warpstreamlabs/bento/public/components/nats",
            "Bento",
        ),
        (
            "github.com/benthosdev/benthos/v4/public/components/nats@v4.27.0",
            "earlier address",
        ),
        (
            "github.com/redpanda-data/connect/v4/public/components/zeromq",
            "needs cgo",
        ),
        (
            "github.com/redpanda-data/connect/v4/public/components/redpanda",
            "wazero",
        ),
    ] {
        let question = SelectQuestion {
            packages: vec![path.to_owned()],
            ..SelectQuestion::of("input: {stdin: {}}".to_owned())
        };
        let problems = answer_to(&question).problems;
        assert!(
            problems[0].message.contains(expected),
            "{path}: {problems:?}"
        );
    }
}
