//! Fields are those of the releases that a pipeline's binary is built with.

use super::{super::select_by, *};

/// Benthos v4.78.0 has a field that v4.77.0, which Connect v4.105.0 requires, doesn't have.
const NEWER_FIELD: &str = "input:\n  websocket:\n    url: ws://localhost:4195/get\n    max_message_size: 1048576\noutput:\n  nats:\n    urls: [nats://localhost:4222]\n    subject: a\n";

fn benthos(answer: &SelectAnswer) -> &str {
    let resolution = answer.resolution.as_ref().expect("a resolution");
    let mut modules = resolution.modules.iter();
    let own = modules.find(|(module, _)| module.as_str() == crate::catalog::BENTHOS);
    own.expect("every binary has it").1.as_str()
}

#[test]
fn a_field_of_another_benthos_is_a_mistake() {
    all_are_wrong(
        NEWER_FIELD,
        &[
            (&[], "4:5 "),
            (&[("subject: a", "subject: ${SUBJECT:a}")], "4:5 "),
            (&[("1048576", "${SIZE:1048576}")], "4:5 "),
            (
                &[(
                    "  websocket:\n    url: ws://localhost:4195/get\n    max_message_size: 1048576",
                    "  websocket: {url: a, max_message_size: 1}",
                )],
                "2:",
            ),
            (
                &[(
                    "  nats:\n    urls: [nats://localhost:4222]\n    subject: a",
                    "  redis_list: {url: a, key: b}",
                )],
                "4:5 ",
            ),
            (
                &[
                    ("    max_message_size: 1048576\n", ""),
                    ("    url:", "    max_message_size: 1\n    url:"),
                ],
                "3:5 ",
            ),
        ],
    );
}

#[test]
fn a_pipeline_of_the_base_alone_is_built_with_the_newest_benthos() {
    let pipeline = edited(
        NEWER_FIELD,
        &[(
            "  nats:\n    urls: [nats://localhost:4222]\n    subject: a",
            "  stdout: {}",
        )],
    );
    let answer = answer(&pipeline);
    assert_eq!(answer.mistakes, []);
    let newest = KNOWN
        .0
        .default_of(&crate::catalog::BENTHOS.parse().unwrap());
    assert_eq!(benthos(&answer), newest.unwrap().version.as_str());
    assert_ne!(benthos(&answer), "v4.77.0");
}

#[test]
fn what_is_wrong_with_a_question_comes_before_an_unknown_base() {
    let (snapshot, schemas) = &*KNOWN;
    let policy = ServiceArgs::default().policy();
    let mut question = SelectQuestion {
        modules: [(crate::catalog::BENTHOS.to_owned(), "v4.76.0".to_owned())].into(),
        ..SelectQuestion::of(NEWER_FIELD.to_owned())
    };
    let answer = select(&question, snapshot, schemas, &policy).unwrap();
    assert!(answer.problems[0].message.contains("v4.76.0"), "{answer:?}");
    question.variables = [("A B".to_owned(), "c".to_owned())].into_iter().collect();
    let refusal = select(&question, snapshot, schemas, &policy).unwrap_err();
    assert_eq!(refusal.problems[0].field.as_deref(), Some("variables.A B"));
    question.pipeline = " ".to_owned();
    let refusal = select(&question, snapshot, schemas, &policy).unwrap_err();
    assert_eq!(refusal.problems.len(), 2, "{refusal}");
}

#[test]
fn an_equal_request_is_resolved_once() {
    let (snapshot, schemas) = &*KNOWN;
    let policy = ServiceArgs::default().policy();
    let mut last = None;
    let mut read = |pipeline: &str, note: &str| {
        let question = SelectQuestion::of(pipeline.to_owned());
        let answer = select_by(&question, snapshot, schemas, &policy, &mut last).unwrap();
        let (_, kept) = last.as_mut().expect("a request");
        kept.notes = vec![note.to_owned()];
        answer.resolution.expect("a resolution").notes
    };
    let nats = "input: {nats: {urls: [a], subject: b}}";
    assert!(!read(nats, "kept").contains(&"kept".to_owned()));
    // Elsewhere in the text.
    assert_eq!(read(&format!("\n{nats}"), "kept, too"), ["kept"]);
    let redis = "input: {redis_list: {url: a, key: b}}";
    assert!(!read(redis, "").contains(&"kept, too".to_owned()));
}

#[test]
fn requested_versions_decide() {
    let at = |module: &str, version: &str| {
        let question = SelectQuestion {
            modules: [(module.to_owned(), version.to_owned())].into(),
            ..SelectQuestion::of(NEWER_FIELD.to_owned())
        };
        answer_to(&question)
    };
    let newer = at(crate::catalog::BENTHOS, "v4.78.0");
    assert_eq!(newer.mistakes, []);
    assert_eq!(benthos(&newer), "v4.78.0");
    // It requires a Benthos that the catalog doesn't have.
    let older = at("github.com/redpanda-data/connect/v4", "v4.100.0");
    assert!(older.resolution.is_none() && older.mistakes.is_empty());
    assert!(older.problems[0].message.contains("v4.76.0"), "{older:?}");
}
