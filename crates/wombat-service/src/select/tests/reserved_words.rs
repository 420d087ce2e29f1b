//! Words beside the name of a component, and the line that turns lint off.

use super::*;

#[test]
fn a_processor_may_be_called_processors() {
    all_need(
        include_str!("inputs/processor-called-processors.yaml"),
        &[
            (&[], &["redis"]),
            (
                &[(
                    "redis: {url: redis://localhost:6379, command: get}",
                    "javascript: {code: a}",
                )],
                &["javascript"],
            ),
            (
                &[("    - label: both\n      processors:", "    - processors:")],
                &["redis"],
            ),
            (
                &[(
                    "    - label: both\n      processors:",
                    "    - label: both\n      type: processors\n      processors:",
                )],
                &["redis"],
            ),
            (
                &[(
                    "  stdin: {}\npipeline:\n  processors:",
                    "  stdin: {}\n  processors:",
                )],
                &["redis"],
            ),
            (
                &[(
                    "        - mapping: root = this\n        - redis: {url: redis://localhost:6379, command: get}",
                    "        [{mapping: root = this}, {processors: [{redis: {url: a, command: get}}]}]",
                )],
                &["redis"],
            ),
        ],
    );
    all_are_wrong(
        "buffer: {memory: {}, processors: []}",
        &[
            (
                &[],
                "1:22 `processors` stands beside `memory`, which is a buffer",
            ),
            (
                &[("buffer: {memory", "metrics: {prometheus")],
                "1:27 `processors` stands beside `prometheus`",
            ),
            (
                &[("processors: []", "label: a")],
                "1:22 `label` stands beside `memory`",
            ),
        ],
    );
}

#[test]
fn meta_may_stand_beside_a_name() {
    all_need(
        include_str!("inputs/meta-beside-name.yaml"),
        &[
            (&[], &["nats"]),
            (
                &[(
                    "nats:\n    urls: [nats://localhost:4222]\n    subject: invoices",
                    "redis_list: {url: a, key: b}",
                )],
                &["redis"],
            ),
            (
                &[
                    ("  meta:\n    owner: accounting\n", ""),
                    ("  nats:", "  meta: {nats: {kafka: b}}\n  nats:"),
                ],
                &["nats"],
            ),
            (&[("stdout: {}", "stdout: {}\n  meta: {a: [b]}")], &["nats"]),
            (
                &[(
                    "output:",
                    "pipeline: {processors: [{redis: {url: a, command: get}, meta: {redpanda: b}}]}\noutput:",
                )],
                &["nats", "redis"],
            ),
            (
                &[(
                    "output:",
                    "cache_resources: [{label: a, redis: {url: b}, meta: {}}]\noutput:",
                )],
                &["nats", "redis"],
            ),
        ],
    );
}

#[test]
fn two_names_need_a_type() {
    let text = include_str!("inputs/two-names.yaml");
    let both = "5:3 `redis_list` stands beside `nats`: one component has one name.";
    all_are_wrong(
        text,
        &[
            (&[], both),
            (
                &[("redis_list:", "mqtt:")],
                "5:3 `mqtt` stands beside `nats`",
            ),
            (
                &[
                    ("    ", "      "),
                    ("  redis_list", "    redis_list"),
                    ("  nats:", "    nats:"),
                ],
                "5:5 `redis_list`",
            ),
            (
                &[("input:", "# BENTHOS LINT DISABLE\ninput:")],
                "6:3 `redis_list` stands beside `nats`",
            ),
            (
                &[("input:\n", "input:\n  type: nats\n")],
                "6:3 `redis_list` stands beside `nats`, which is an input",
            ),
            (
                &[("input:\n", "input:\n  type: redis_list\n")],
                "3:3 `nats` stands beside `redis_list`",
            ),
            (
                &[
                    ("redis_list:", "nats_jetstream:"),
                    (
                        "    url: redis://localhost:6379\n    key: invoices\n",
                        "    urls: [a]\n    subject: b\n",
                    ),
                ],
                "5:3 `nats_jetstream`",
            ),
        ],
    );
    for (edits, expected) in [
        (vec![], vec!["io"]),
        (vec![("input:\n", "input:\n  type: nats\n")], vec!["nats"]),
        (
            vec![("output:\n", "  type: redis_list\noutput:\n")],
            vec!["redis"],
        ),
        (
            vec![
                ("  redis_list:", "  redis_lost:"),
                ("    key: invoices\n", ""),
            ],
            vec!["nats"],
        ),
    ] {
        let answer = answer(&edited(text, &edits));
        assert_eq!(answer.mistakes.len(), 1, "{edits:?}");
        assert_eq!(last_parts(&answer), expected, "{edits:?}");
    }
}

#[test]
fn an_empty_type_names_nothing() {
    let text = include_str!("inputs/type-from-variable.yaml");
    for empty in ["\"\"", "", "${SOURCE:}"] {
        let found = mistakes(&edited(text, &[("${SOURCE:nats}", empty)]));
        assert_eq!(found.len(), 1, "{empty}");
        assert!(
            found[0].contains("No input is named here, such as `stdin`."),
            "{found:?}"
        );
    }
}

#[test]
fn a_first_line_turns_lint_off() {
    let text = include_str!("inputs/lint-disabled.yaml");
    all_need(
        text,
        &[
            (&[], &["nats"]),
            (
                &[
                    ("  nats:\n", "  redis_list:\n"),
                    ("    subject: invoices\n", "    url: a\n    key: b\n"),
                ],
                &["redis"],
            ),
            (&[("    subject:", "    zubject:")], &["nats"]),
            (
                &[("input:\n", "input:\n  redis_lost: {}\n  type: nats\n")],
                &["nats"],
            ),
            (
                &[("input:\n", "input:\n  type: nats\n  redis_list: {}\n")],
                &["nats"],
            ),
            (&[("DISABLE\n", "DISABLE # a\n")], &["nats"]),
            (&[("DISABLE\n", "DISABLE\n---\n")], &["nats"]),
        ],
    );
    all_are_wrong(
        text,
        &[
            (
                &[("# BENTHOS", "\n# BENTHOS")],
                "3:1 There is no field `shared`",
            ),
            (
                &[("# BENTHOS", "#  BENTHOS")],
                "2:1 There is no field `shared`",
            ),
            (&[("DISABLE", "disable")], "2:1 There is no field `shared`"),
            (
                &[("  nats:\n", "  natz:\n")],
                "5:3 There is no input `natz`",
            ),
            (
                &[("stdout: {}", "file: {path: '${! nou() }'}")],
                "9:21 The mapping language has no function `nou`",
            ),
        ],
    );
}

#[test]
fn dollars_before_a_mapping_escape_nothing() {
    let text = include_str!("inputs/dollars-before-mapping.yaml");
    all_need(
        text,
        &[
            (&[], &["extended"]),
            (&[("$${!", "$$${!")], &["extended"]),
            (
                &[("price-$${! ulid() }.txt", "'${! \"$\" }$${!ulid()}'")],
                &["extended"],
            ),
            (
                &[("$${! ulid()", "$${! this.a.compare_bcrypt(\"b\")")],
                &["crypto"],
            ),
            (&[("$${! ulid() }", "${{! ulid() }}")], &["io"]),
            (&[("$${! ulid() }", "$${{! ulid() }}")], &["io"]),
            (
                &[
                    ("file:\n    path:", "nats:\n    urls: [a]\n    subject:"),
                    ("    codec: lines\n", ""),
                ],
                &["nats", "extended"],
            ),
        ],
    );
}
