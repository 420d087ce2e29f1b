//! What a file is, by its content.

use super::*;

const PIPELINE: &str = "input: {stdin: {}}\noutput: {stdout: {}}\n";

/// The role of a file beside a pipeline.
fn role(name: &str, text: &str) -> String {
    let answer = answer_of(&[("0.yaml", PIPELINE), (name, text)]);
    let roles = roles_of(&answer);
    let role = roles
        .iter()
        .find_map(|it| it.strip_prefix(&format!("{name} ")));
    role.unwrap().to_owned()
}

#[test]
fn roles_are_told_by_content() {
    for (text, expected) in [
        (PIPELINE, "pipeline"),
        ("pipeline: {processors: []}", "pipeline"),
        (
            "{\"input\": {\"nats\": {\"urls\": [\"a\"], \"subject\": \"b\"}}}",
            "pipeline",
        ),
        ("${WHOLE}", "pipeline"),
        ("inptu: {stdin: {}}", "pipeline"),
        ("cache_resources: [{label: a, memory: {}}]", "resources"),
        ("logger: {level: INFO}\nhttp: {enabled: false}", "resources"),
        ("tests: [{name: a}]", "tests"),
        ("tests: []\nparallel: true", "tests"),
        (
            "a: {input: {stdin: {}}}\nb: {output: {stdout: {}}, buffer: {none: {}}}",
            "streams",
        ),
        (
            "name: a\ntype: cache\nmapping: root.memory = {}",
            "template",
        ),
        ("redis_list: {url: a, key: b}", "component"),
        ("label: a\ntype: redis\n", "component"),
        ("label: a\nmapping: root = this\n", "component"),
        (
            "- mapping: root = this\n- redis: {url: a, command: get}\n",
            "component",
        ),
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("services: {a: {image: b}}\nvolumes: {}", "unknown"),
        ("just words", "unknown"),
        ("[1, 2]", "unknown"),
        (
            "input: {stdin: {}}\n---\ncache_resources: []\n---\ntests: []",
            "pipeline+resources+tests",
        ),
    ] {
        assert_eq!(role("1.yaml", text), expected, "{text}");
    }
}

#[test]
fn nothing_is_left_out_without_a_reason() {
    for (name, text, expected) in [
        (
            "compose.yaml",
            "services: {a: {image: b}}\nvolumes: {}",
            "compose.yaml:1:1 Not taken: it begins with `services`, `volumes`",
        ),
        (
            "values.yaml",
            "[1, 2]",
            "values.yaml:1:1 Not taken: it isn't made of fields",
        ),
        (
            "README.md",
            "# Title\n\n* [a](b): *c\n",
            "README.md:1:1 Not taken: it is no YAML",
        ),
        (
            "run.sh",
            "#!/bin/sh\nexec \"$@\"\n",
            "run.sh:1:1 Not taken: it is no YAML",
        ),
    ] {
        let answer = answer_of(&[("0.yaml", PIPELINE), (name, text)]);
        assert_eq!(answer.mistakes, [], "{name}");
        assert_eq!(role(name, text), "unknown");
        let notes = lines(&answer.notes);
        assert!(
            notes.len() == 1 && notes[0].starts_with(expected),
            "{name}: {notes:?}"
        );
    }
    // A broken configuration is a mistake.
    let answer = answer_of(&[("0.yaml", PIPELINE), ("1.yaml", "input: [\n")]);
    let found = lines(&answer.mistakes);
    assert!(
        found.len() == 1 && found[0].contains("The YAML can't be read here"),
        "{found:?}"
    );
}

#[test]
fn one_file_alone_is_a_pipeline_if_it_is_nothing_else() {
    let answer = answer_of(&[("compose.yaml", "services: {a: {image: b}}\n")]);
    let found = lines(&answer.mistakes);
    assert!(
        found[0].starts_with("compose.yaml:1:1 There is no field `services` in a pipeline"),
        "{found:?}"
    );
}

#[test]
fn streams_are_pipelines_by_id() {
    let text = "a:\n  input: {nats: {urls: [x], subject: y}}\nb:\n  output:\n    redis_list: {url: x, keyy: y}\n";
    let answer = answer(text);
    assert_eq!(roles_of(&answer), ["- streams"]);
    assert_eq!(last_parts(&answer), ["nats", "redis"]);
    assert_eq!(
        lines(&answer.mistakes),
        ["5:26 There is no field `keyy` in `redis_list`; did you mean `key`?"]
    );
}

#[test]
fn the_kind_of_one_component_is_told_by_fields_folder_or_both() {
    for (name, text, packages, notes) in [
        (
            "a.yaml",
            "redis_streams: {url: a, streams: [b]}",
            vec!["redis"],
            0,
        ),
        ("a.yaml", "nats: {urls: [a], subject: b}", vec!["nats"], 1),
        (
            "outputs/a.yaml",
            "nats: {urls: [a], subject: b}",
            vec!["nats"],
            0,
        ),
        ("conf/cache/a.yaml", "redis: {url: a}", vec!["redis"], 0),
        (
            "a.yaml",
            "sql_select: {driver: mysql, dsn: a, table: b, columns: [c], args_mapping: 'root = []'}",
            vec!["mysql", "base"],
            1,
        ),
        (
            "a.yaml",
            "- kafka_franz: {seed_brokers: [a], topics: [b], consumer_group: c}",
            vec!["kafka"],
            0,
        ),
    ] {
        let answer = answer_of(&[("0.yaml", PIPELINE), (name, text)]);
        assert_eq!(answer.mistakes, [], "{text}");
        assert_eq!(last_parts(&answer), packages, "{text}");
        assert_eq!(
            answer.notes.len(),
            notes,
            "{text}: {:?}",
            lines(&answer.notes)
        );
    }
}

#[test]
fn tests_are_read_with_the_files_that_they_name() {
    let tests = "tests:\n  - name: a\n    target_mapping: ./m.blobl\n    output_batches: [[{bloblang: 'this.b == ulid()'}]]\n";
    let answer = answer_of(&[
        ("a_test.yaml", tests),
        ("m.blobl", "root = this.parse_xml()\n"),
    ]);
    assert_eq!(roles_of(&answer), ["a_test.yaml tests", "m.blobl mapping"]);
    assert_eq!(answer.mistakes, []);
    assert_eq!(answer.notes, []);
    assert_eq!(last_parts(&answer), ["extended"]);
}
