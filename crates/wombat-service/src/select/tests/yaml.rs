//! Pipelines as yaml.v3 reads them.

use super::*;

#[test]
fn brackets_may_close_at_their_parents_column() {
    all_need(
        include_str!("inputs/brackets-at-parents-column.yaml"),
        &[
            (&[], &["nats", "redis"]),
            (
                &[
                    ("  nats: {", "  nats_kv: {"),
                    ("subject: invoices", "bucket: a, key: b"),
                ],
                &["nats", "redis"],
            ),
            (&[("\n  }", "\n}"), ("\n    }", "\n}")], &["nats", "redis"]),
            (
                &[("\n  }", "\n        }"), ("\n    }", " }")],
                &["nats", "redis"],
            ),
            (
                &[(
                    "nats: {\n    urls: [nats://localhost:4222], subject",
                    "nats: {\n    urls: [\nnats://localhost:4222\n], subject",
                )],
                &["nats", "redis"],
            ),
            (
                &[(
                    "output:\n  stdout: {}",
                    "output: {\n  redis_list: {\n url: a, key: b}\n}",
                )],
                &["nats", "redis"],
            ),
        ],
    );
}

#[test]
fn exclamation_marks_in_texts_before_commas_are_no_tags() {
    for mapping in ["\"root = !this\\n\"", "'root = !this'", "\"root = [!a]\""] {
        let pipeline = format!(
            "pipeline: {{processors: [{{mapping: {mapping}}}, {{redis: {{url: '!a', command: b}}}}]}}"
        );
        assert_eq!(packages(&pipeline), ["redis"], "{pipeline}");
    }
}

#[test]
fn quoted_text_may_leave_its_indentation() {
    all_need(
        include_str!("inputs/quotes-over-lines.yaml"),
        &[
            (&[], &["pq", "nats", "base"]),
            (
                &[("'root = [", "\"root = ["), ("]'", "]\"")],
                &["pq", "nats", "base"],
            ),
            (
                &[("      this.", "this."), ("    ]'", "]'")],
                &["pq", "nats", "base"],
            ),
            (
                &[("this.total,", "ulid(),")],
                &["pq", "nats", "extended", "base"],
            ),
            (
                &[
                    (
                        "    args_mapping: 'root = [",
                        "    args_mapping: |\n      root = [",
                    ),
                    ("    ]'", "      ]"),
                ],
                &["pq", "nats", "base"],
            ),
            (
                &[(
                    "  nats: {urls: [nats://localhost:4222], subject: invoices}",
                    "  mqtt: {urls: ['tcp://localhost\n'], topics: [\"in\nvoices\"]}",
                )],
                &["pq", "mqtt", "base"],
            ),
        ],
    );
    all_are_wrong(
        include_str!("inputs/quotes-over-lines.yaml"),
        &[(
            &[("this.id", "this.idd()")],
            "10:12 The mapping language has no method `idd`",
        )],
    );
}

#[test]
fn other_line_ends_are_lines() {
    for end in ["\r\n", "\r", "\u{85}", "\u{2028}"] {
        let pipeline = "input:\n  nats: {urls: [a], subject: b}\noutput:\n  redis_list: {url: a, key: b, c: d}\n";
        let found = mistakes(&pipeline.replace('\n', end));
        assert_eq!(found.len(), 1, "{end:?}: {found:?}");
        assert!(
            found[0].starts_with("4:32 There is no field `c`"),
            "{found:?}"
        );
    }
    assert_eq!(
        packages("\u{feff}input: {nats: {urls: [a], subject: b}}"),
        ["nats"]
    );
}

#[test]
fn what_benthos_doesnt_start_is_a_mistake() {
    for (pipeline, expected) in [
        ("input:\n  file: {paths: [\"a\\/b\"]}\n", "2:20 "),
        (
            "input:\n  nats: {urls: [nats://a/?b=c], subject: d}\n",
            "2:26 ",
        ),
        ("input:\n  stdin: {}\n\t\noutput:\n  stdout: {}\n", "3:1 "),
        ("pipeline:\n  processors:\n  - \tlog: {}\n", "3:5 "),
        ("%YAML 1.2\n---\ninput: {stdin: {}}\n", "1:1 "),
        (
            "input: {stdin: {}}\n# \u{b}\n",
            "2:3 The control character U+000B",
        ),
        (
            "i\0n\0p\0u\0t\0",
            "1:2 The text has zero bytes, as UTF-16 has; save it as UTF-8.",
        ),
        (
            "input: {stdin: {}}\n\u{feff}output: {stdout: {}}\n",
            "2:1 A byte order mark",
        ),
    ] {
        let found = mistakes(pipeline);
        assert_eq!(found.len(), 1, "{pipeline:?}: {found:?}");
        assert!(found[0].starts_with(expected), "{pipeline:?}: {found:?}");
    }
}
