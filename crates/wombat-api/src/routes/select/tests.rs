use serde_json::json;
use wombat_model::names::{MAX_FILES, MAX_PIPELINE_TEXT};

use super::*;

fn message(refused: Refusal) -> String {
    refused.problems.into_iter().map(|it| it.message).collect()
}

#[test]
fn other_encodings_are_named() {
    assert_eq!(text_of("é: 1".into(), "pipeline").unwrap(), "é: 1");
    for bytes in [b"\xff\xfea\0", b"\xfe\xff\0a"] {
        let refused = text_of(Bytes::from_static(bytes), "pipeline").unwrap_err();
        assert!(message(refused).contains("The body is UTF-16"));
    }
    let refused = text_of(Bytes::from_static(b"\xe9: 1"), "files.a").unwrap_err();
    assert!(message(refused).contains("`files.a` isn't UTF-8"));
}

#[test]
fn the_limits_of_texts_are_named() {
    let question = |value: Value| match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let half = "x".repeat(MAX_PIPELINE_TEXT / 2);
    let full = "x".repeat(MAX_PIPELINE_TEXT);
    assert!(check_size(&question(json!({"pipeline": full}))).is_ok());
    assert!(check_size(&question(json!({"files": {"a": half, "b": half}}))).is_ok());
    for (large, field) in [
        (json!({"pipeline": format!("{full}y")}), "pipeline"),
        (json!({"files": {"a": half, "b": half, "c": "y"}}), "files"),
    ] {
        let refused = check_size(&question(large)).unwrap_err();
        assert_eq!(refused.status.code(), 413);
        assert_eq!(refused.problems[0].field.as_deref(), Some(field));
        assert!(message(refused).contains("262144"));
    }
    let many: Map<String, Value> = (0..=MAX_FILES)
        .map(|number| (number.to_string(), "".into()))
        .collect();
    let refused = check_size(&question(json!({"files": many}))).unwrap_err();
    assert_eq!(refused.status.code(), 413);
    assert!(message(refused).contains("at most 256"));
}

#[test]
fn the_query_and_the_body_may_not_differ() {
    let filled = |body: Value, goos: &str| {
        let Value::Object(mut question) = body else {
            panic!("{body}");
        };
        let target = [("goos".to_owned(), goos.into())];
        fill(&mut question, target.into_iter()).map(|()| question)
    };
    assert_eq!(filled(json!({}), "linux").unwrap()["goos"], "linux");
    assert!(filled(json!({"goos": "linux"}), "linux").is_ok());
    for body in [
        json!({"goos": "darwin"}),
        json!({"goos": {}}),
        json!({"goos": null}),
    ] {
        let refused = filled(body, "linux").unwrap_err();
        assert_eq!(refused.problems[0].field.as_deref(), Some("goos"));
    }
}

#[test]
fn no_value_is_repeated() {
    let question = question_of(b"{\"pipeline\": \"a\"}").unwrap();
    assert!(question.contains_key("pipeline"));
    let question = question_of(b"{\"files\": {\"a\": \"b\"}, \"goos\": 1}").unwrap();
    assert_eq!(
        Value::Object(question),
        json!({"files": {"a": "b"}, "goos": 1})
    );
    let twice = question_of(b"{\"files\": {\"a\": \"hunter2\", \"a\": \"b\"}}").unwrap_err();
    assert_eq!(twice.problems[0].field.as_deref(), Some("files.a"));
    assert!(message(twice).contains("there twice"));
    for body in [
        "\"hunter2\"",
        "{\"variables\": {\"A\": \"hunter2\"",
        "[\"hunter2\"]",
    ] {
        let message = message(question_of(body.as_bytes()).unwrap_err());
        assert!(message.contains("JSON object") && !message.contains("hunter2"));
    }
}

fn part(name: &str, file: Option<&str>, content: &str) -> Part {
    Part {
        name: name.to_owned(),
        file: file.map(str::to_owned),
        content: Bytes::from(content.to_owned()),
    }
}

#[test]
fn a_form_is_a_question() {
    let question = question_of_form(vec![
        part("file", Some("a.yaml"), "a: 1"),
        part("", Some("lib/b.blobl"), "root = 1"),
        part("goos", None, "darwin"),
        part("packages", None, "a.b/c@v1.0.0"),
        part("packages", None, "a.b/d"),
        part("components", None, "nats"),
        part("modules.a.b/d", None, "v1.2.0"),
        part("variables.A", None, "hunter2"),
    ]);
    assert_eq!(
        Value::Object(question.unwrap()),
        json!({
            "files": {"a.yaml": "a: 1", "lib/b.blobl": "root = 1"},
            "goos": "darwin",
            "packages": ["a.b/c@v1.0.0", "a.b/d"],
            "components": ["nats"],
            "modules": {"a.b/d": "v1.2.0"},
            "variables": {"A": "hunter2"},
        })
    );
}

#[test]
fn parts_that_arent_known_are_named() {
    for (parts, expected) in [
        (vec![part("config", None, "a: 1")], "no field `config`"),
        (
            vec![
                part("file", Some("a.yaml"), ""),
                part("file", Some("a.yaml"), ""),
            ],
            "`files.a.yaml` is there twice",
        ),
        (
            vec![part("goos", None, "linux"), part("goos", None, "darwin")],
            "`goos` is there twice",
        ),
        (
            vec![
                part("variables.A", None, "hunter2"),
                part("variables.A", None, "b"),
            ],
            "`variables.A` is there twice",
        ),
    ] {
        let refused = question_of_form(parts).unwrap_err();
        assert_eq!(refused.status.code(), 400);
        assert!(message(refused).contains(expected));
    }
}
