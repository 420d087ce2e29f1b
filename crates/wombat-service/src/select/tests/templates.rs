//! Templates of components.

use super::*;

const ALONE: &str = include_str!("inputs/template-alone.yaml");

#[test]
fn a_template_alone_says_that_it_is_one_and_what_it_names() {
    for (edits, packages, note) in [
        (
            vec![],
            vec!["redis"],
            "1:7 A template: `my_out` is an output here, and its mapping names `redis_list`.",
        ),
        // Other component.
        (
            vec![("redis_list", "nats_jetstream")],
            vec!["nats"],
            "1:7 A template: `my_out` is an output here, and its mapping names `nats_jetstream`.",
        ),
        // Indentation.
        (
            vec![("  root.", "      root.")],
            vec!["redis"],
            "1:7 A template: `my_out` is an output here",
        ),
        // Default of a variable.
        (
            vec![("type: output", "type: ${T:output}")],
            vec!["redis"],
            "1:7 A template: `my_out` is an output here",
        ),
        // Position.
        (
            vec![("name: my_out\n", ""), ("fields:", "name: my_out\nfields:")],
            vec!["redis"],
            "2:7 A template: `my_out`",
        ),
        // Style.
        (
            vec![
                (
                    "root.redis_list.url = \"redis://localhost:6379\"",
                    "root = {\"redis_list\": {",
                ),
                (
                    "  root.redis_list.key = this.key",
                    "    \"key\": this.key}}",
                ),
            ],
            vec!["redis"],
            "1:7 A template: `my_out`",
        ),
        // A component in a component.
        (
            vec![(
                "root.redis_list.url = \"redis://localhost:6379\"",
                "root.broker.outputs = [{\"kafka\": {}}, {\"mqtt\": {}}]",
            )],
            vec!["kafka", "mqtt", "redis"],
            "1:7 A template: `my_out` is an output here, and its mapping names `broker`, `kafka`, `mqtt`, `redis_list`.",
        ),
        // Processors beside the component, and a type in a value.
        (
            vec![(
                "root.redis_list.url = \"redis://localhost:6379\"",
                "root.processors = [{\"xml\": {}}]\n  root.type = \"mqtt\"",
            )],
            vec!["mqtt", "extended", "redis"],
            "1:7 A template",
        ),
    ] {
        let text = edited(ALONE, &edits);
        let answer = answer(&text);
        assert_eq!(answer.mistakes, [], "{text}");
        assert_eq!(last_parts(&answer), packages, "{text}");
        assert_eq!(roles_of(&answer), ["- template"], "{text}");
        let notes = lines(&answer.notes);
        assert!(notes[0].starts_with(note), "{text}: {notes:?}");
    }
}

#[test]
fn mistakes_in_a_template_have_their_places() {
    all_are_wrong(
        ALONE,
        &[
            (
                &[
                    ("  root.redis_list.url = \"redis://localhost:6379\"\n", ""),
                    ("redis_list", "redis_lst"),
                ],
                "7:8 There is no output `redis_lst`; did you mean `redis_list` or `redis_hash`?",
            ),
            (
                &[("type: output", "type: outputs")],
                "2:7 The `type` of a template is one of `cache`",
            ),
            (
                &[("type: output", "type: scanner")],
                "2:7 The `type` of a template is one of",
            ),
            (
                &[("fields:", "field:")],
                "3:1 There is no field `field` in a template; did you mean `fields`?",
            ),
            (
                &[("this.key", "this.key.uppercaze()")],
                "8:34 The mapping language has no method `uppercaze`",
            ),
            (
                &[
                    ("  root.redis_list.url = \"redis://localhost:6379\"\n", ""),
                    ("redis_list", "zmq4"),
                ],
                "7:8 Redpanda Connect has the output `zmq4`",
            ),
        ],
    );
}

#[test]
fn a_template_defines_a_component_for_the_other_files() {
    let pipeline = "input: {stdin: {}}\noutput:\n  my_out: {key: a}\n";
    let answer = answer_of(&[
        ("conf/pipeline.yaml", pipeline),
        ("templates/my.yaml", ALONE),
    ]);
    assert_eq!(answer.mistakes, []);
    assert_eq!(last_parts(&answer), ["redis"]);
    assert_eq!(
        roles_of(&answer),
        ["conf/pipeline.yaml pipeline", "templates/my.yaml template"]
    );
    let wrong = answer_of(&[
        ("pipeline.yaml", &pipeline.replace("key: a", "keyy: a")),
        ("template.yaml", ALONE),
    ]);
    assert_eq!(
        lines(&wrong.mistakes),
        ["pipeline.yaml:3:12 There is no field `keyy` in `my_out`; did you mean `key`?"]
    );
    let missing = answer_of(&[
        ("pipeline.yaml", pipeline),
        ("other.yaml", &ALONE.replace("my_out", "our_out")),
    ]);
    assert_eq!(
        lines(&missing.mistakes),
        ["pipeline.yaml:3:3 There is no output `my_out`."]
    );
}

#[test]
fn a_template_uses_others_and_fields_hold_components() {
    let outer = "name: outer\ntype: processor\nfields:\n  - {name: inner, type: processor, kind: list}\nmapping: |\n  root.twice = {}\n  root.for_each = this.inner\n";
    let twice = "name: twice\ntype: processor\nfields: []\nmapping: root.awk.program = \"\"\n";
    let pipeline = "pipeline:\n  processors:\n    - outer:\n        inner:\n          - redis: {url: a, command: get}\n          - awk: {codec: none, program: a}\n          - avro: {operator: to_json, nope: 1}\n";
    let answer = answer_of(&[("a.yaml", outer), ("b.yaml", twice), ("c.yaml", pipeline)]);
    assert_eq!(
        lines(&answer.mistakes),
        ["c.yaml:7:39 There is no field `nope` in `avro`."]
    );
    assert_eq!(last_parts(&answer), ["avro", "extended", "redis"]);
}

#[test]
fn given_values_in_templates_arent_repeated() {
    let text = ALONE
        .replace("redis_list", "${P}")
        .replace("name: my_out", "name: ${P}")
        .replace("type: output", "type: output\n${P}: 1");
    for value in ["hunter2", "redis_lst", "hunter2\\n"] {
        let mut answer = answer_with(&text, &[("P", value)]);
        answer.components.clear();
        answer.request = None;
        answer.resolution = None;
        let said = serde_json::to_string(&answer).unwrap();
        assert!(
            !said.contains("hunter2") && !said.contains("redis_l"),
            "{said}"
        );
    }
    let typed = "name: a\ntype: output\nmapping: 'root.type = \"${P}\"'\n";
    let said = serde_json::to_string(&answer_with(typed, &[("P", "hunter2")])).unwrap();
    assert!(!said.contains("hunter2"), "{said}");
}
