//! Values that came with the question: they are never repeated, and limited.

use super::*;

#[test]
fn a_given_value_is_never_repeated() {
    let places = [
        "input: {@: {}}",
        "input: {type: @}",
        "input: {type: '@'}",
        "input: {type: a@b}",
        "input: @",
        "input: {nats: @}",
        "input: {nats: {@: 1}}",
        "input: {nats: {urls: [a], subject: b}, @: 1}",
        "input: {nats: {urls: [@], subject: '${! @() }'}}",
        "pipeline: {processors: @}",
        "pipeline: {processors: {@: 1}}",
        "pipeline: {processors: [@]}",
        "pipeline: {processors: [{mapping: 'root = @()'}]}",
        "pipeline: {processors: [{mapping: 'root = this.@()'}]}",
        "pipeline: {processors: [{mapping: @}]}",
        "@: 1",
        "@",
        "- @",
        "a: &@ b",
        "a: *@",
        "a: !@ b",
        "a: |@",
        "a: [@",
        "<<: @",
        "name: @\ntype: processor\nmapping: root = 1\n---\npipeline: {processors: [{@x: {}}]}",
        "output: {sql_insert: {driver: @}}",
    ];
    // Near names of components, functions and fields, and damaged YAML.
    for value in [
        "hunter2",
        "natzs",
        "redis_hash",
        "hunter2() + uuid_v9()",
        "{hunter2",
        "a: hunter2: b",
        "hunter2\t\u{7}",
        "aHVudGVyMg==",
    ] {
        for place in places {
            for variable in ["${P}", "${P:default}", "${P|base64decode}", "${P|hunter}"] {
                let pipeline = place.replace('@', variable);
                let mut answer = answer_with(&pipeline, &[("P", value)]);
                // Components that exist are the answer.
                answer.components.clear();
                answer.request = None;
                answer.resolution = None;
                let said = serde_json::to_string(&answer).unwrap();
                for word in [
                    "hunter2",
                    "natzs",
                    "redis_hash",
                    "uuid_v9",
                    "did you mean `nats`",
                ] {
                    assert!(!said.contains(word), "{pipeline} with {value}: {said}");
                }
            }
        }
    }
}

#[test]
fn mistakes_name_the_variable_of_a_given_value() {
    for (pipeline, value, expected) in [
        (
            "input:\n  ${IN}: {}\n",
            "natz",
            "2:3 There is no input `${IN}`.",
        ),
        (
            "input:\n  type: ${IN:nats}\n",
            "natz",
            "2:9 There is no input `${IN:nats}`.",
        ),
        (
            "input:\n  type: \"a-${IN}\"\n",
            "b",
            "2:9 There is no input `a-${IN}`.",
        ),
        (
            "input: {type: ${IN}}\n",
            "redis_hash",
            "1:15 `${IN}` is an output, not an input.",
        ),
        (
            "input: {nats: {${IN}: 1}}\n",
            "url",
            "1:16 There is no field `${IN}` in `nats`.",
        ),
        (
            "pipeline: {processors: [mapping: 'root = ${IN}()']}\n",
            "nou",
            "1:42 The mapping language has no function `${IN}`.",
        ),
        (
            "input: {nats: {}, ${IN}: 1}\n",
            "labell",
            "1:19 `${IN}` stands beside `nats`",
        ),
        (
            "input: {nats: ${IN}}\n",
            "[",
            "1:20 The YAML can't be read here: did not find expected node content. Look at the value of `${IN}`.",
        ),
    ] {
        let found = lines(&answer_with(pipeline, &[("IN", value)]).mistakes);
        assert!(
            found.iter().any(|it| it.starts_with(expected)),
            "{pipeline}: {found:?}"
        );
    }
}

#[test]
fn limits_of_values_are_refused() {
    let (snapshot, schemas) = &*KNOWN;
    let question = SelectQuestion {
        variables: [("A B".to_owned(), "hunter2".to_owned())]
            .into_iter()
            .collect(),
        ..SelectQuestion::of("input: {stdin: {}}".to_owned())
    };
    let policy = ServiceArgs::default().policy();
    let refusal = select(&question, snapshot, schemas, &policy).unwrap_err();
    assert_eq!(refusal.problems[0].field.as_deref(), Some("variables.A B"));
    assert!(!refusal.problems[0].message.contains("hunter2"));
}
