//! Limits of many files.

use wombat_model::{
    catalog::ComponentKind,
    names::{MAX_FILES, MAX_PIPELINE_TEXT, MAX_VARIABLES},
};

use super::*;

const PIPELINE: &str =
    "input:\n  nats: {urls: [a], subject: b}\npipeline:\n  processors:\n    - cached: {}\n";

#[test]
fn limits_of_files_are_refused_with_their_number() {
    let (snapshot, schemas) = &*KNOWN;
    let policy = ServiceArgs::default().policy();
    let refused =
        |question: &SelectQuestion| select(question, snapshot, schemas, &policy).unwrap_err();
    let half = "#".repeat(MAX_PIPELINE_TEXT / 2);
    let large = refused(&question_of(&[("a", &half), ("b", &half), ("c", "#")]));
    assert_eq!(large.status.code(), 413);
    assert!(
        large.summary().contains("262145") && large.summary().contains("262144"),
        "{large}"
    );
    let names: Vec<String> = (0..=MAX_FILES)
        .map(|number| format!("{number}.yaml"))
        .collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let many = refused(&question_of(&files));
    assert_eq!(many.status.code(), 413);
    assert!(many.summary().contains("at most 256"), "{many}");
    let both = SelectQuestion {
        pipeline: PIPELINE.to_owned(),
        ..question_of(&[("a.yaml", PIPELINE)])
    };
    assert_eq!(
        refused(&both).problems[0].field.as_deref(),
        Some("pipeline")
    );
}

#[test]
fn limits_of_content_hold_for_all_files_together() {
    let half = MAX_VARIABLES / 2 + 1;
    let uses = |begin: usize| -> String {
        let names = (begin..begin + half).map(|number| format!("# ${{V{number}}}\n"));
        names.collect::<Vec<_>>().concat()
    };
    let (a, b) = (uses(0), uses(half));
    let answer = answer_of(&[("a.yaml", &a), ("b.yaml", &b)]);
    let found = lines(&answer.mistakes);
    assert!(
        found.len() == 1
            && found[0].starts_with("b.yaml:128:3 A pipeline has at most 256 variables"),
        "{found:?}"
    );
    assert_eq!(answer.variables.len(), MAX_VARIABLES);

    let wrong: Vec<String> = (0..80).map(|number| format!("x{number}: 1\n")).collect();
    let wrong = format!("input: {{stdin: {{}}}}\n{}", wrong.concat());
    let answer = answer_of(&[("a.yaml", &wrong), ("b.yaml", &wrong)]);
    assert_eq!(answer.mistakes.len(), 101);
    assert!(answer.mistakes[100].message.contains("100 are shown"));

    let value = "x".repeat(16 * 1024);
    let many = "input: {stdin: {}} # ".to_owned() + &"${A}".repeat(50);
    let question = SelectQuestion {
        variables: [("A".to_owned(), value)].into_iter().collect(),
        ..question_of(&[
            ("a.yaml", &many),
            ("b.yaml", &many),
            ("c.yaml", "input: {stdin: {}} # ${A}"),
        ])
    };
    let found = lines(&answer_to(&question).mistakes);
    assert!(
        found.len() == 1 && found[0].starts_with("b.yaml:1:1 After its variables are replaced"),
        "{found:?}"
    );
}

#[test]
fn more_components_than_a_request_may_name_are_resolved() {
    let (_, schemas) = &*KNOWN;
    let of = |kind| -> String {
        let names = schemas.names(kind);
        let lines = names.map(|name| format!("  - {{label: l_{name}, {name}: {{}}}}\n"));
        lines.collect::<Vec<_>>().concat()
    };
    let answer = answer(&format!(
        "input_resources:\n{}output_resources:\n{}",
        of(ComponentKind::Input),
        of(ComponentKind::Output)
    ));
    assert!(answer.components.len() > 80);
    let refused: Vec<_> = answer.problems.iter().map(|it| it.code.as_str()).collect();
    assert!(!refused.contains(&"too_many"), "{refused:?}");
}

#[test]
fn the_largest_question_takes_no_time() {
    let names: Vec<String> = (0..MAX_FILES)
        .map(|number| format!("{number}.yaml"))
        .collect();
    for item in [
        "input: {nats: {urls: [a]}}\n",
        "name: a\ntype: output\nmapping: 'root.a = {\"kafka\": {}}'\n---\n",
        "${A}\n",
        "- ${A}\n",
        "pipeline: {processors: [{mapping: 'from \"x\"'}]}\n---\n",
        "kind: List\napiVersion: v1\n---\n",
        "a: {input: {}}\n---\n",
        "input: {stdin: {a: [b:], c: \"\\'\"}}\n---\n",
        "a: [\n---\n",
    ] {
        let text = item.repeat(MAX_PIPELINE_TEXT / MAX_FILES / item.len());
        let files: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (name.as_str(), text.as_str()))
            .collect();
        let start = std::time::Instant::now();
        let answer = answer_of(&files);
        let took = start.elapsed();
        assert!(took.as_secs() < 10, "{item:?}: {took:?}");
        let size = serde_json::to_vec(&answer).unwrap().len();
        assert!(size < 512 * 1024, "{item:?}: {size}");
    }
}
