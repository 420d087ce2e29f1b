//! Pipelines beside packages that the catalog doesn't have.

use super::*;
use crate::resolve::Policy;

const OWN: &str = "example.com/me/reverse@v1.0.0";
const TEXT: &str = include_str!("inputs/own-processor.yaml");

/// The answer where every module may be built.
fn allowed(question: &SelectQuestion) -> SelectAnswer {
    let (snapshot, schemas) = &*KNOWN;
    let policy = Policy {
        modules: "any".parse().unwrap(),
        ..ServiceArgs::default().policy()
    };
    select(question, snapshot, schemas, &policy).unwrap()
}

fn beside(pipeline: &str, packages: &[&str]) -> SelectQuestion {
    SelectQuestion {
        packages: packages.iter().map(ToString::to_string).collect(),
        ..SelectQuestion::of(pipeline.to_owned())
    }
}

#[test]
fn a_package_of_ones_own_may_bring_what_the_catalog_doesnt_have() {
    for (edits, place) in [
        (vec![], "7:7"),
        // Other component.
        (vec![("reverse", "upside_down")], "7:7"),
        // Indentation.
        (vec![("    - reverse", "  - reverse")], "7:5"),
        // Default of a variable.
        (vec![("reverse", "${P:reverse}")], "7:7"),
        // Position.
        (
            vec![("    - reverse", "    - log: {}\n    - reverse")],
            "8:7",
        ),
        // Style.
        (vec![("- reverse: {}", "- {type: reverse}")], "7:14"),
    ] {
        let text = edited(TEXT, &edits);
        let answer = allowed(&beside(&text, &[OWN]));
        assert_eq!(answer.mistakes, [], "{text}");
        assert_eq!(answer.problems, [], "{text}");
        let warnings = lines(&answer.warnings);
        let begins = format!("{place} The catalog has no processor `");
        assert!(warnings[0].starts_with(&begins), "{text}: {warnings:?}");
        assert!(
            warnings[0].contains("`example.com/me/reverse` may bring it"),
            "{warnings:?}"
        );
        let request = answer.request.unwrap();
        assert_eq!(
            request.packages,
            [
                OWN,
                "github.com/redpanda-data/connect/v4/public/components/nats"
            ],
            "{text}"
        );
    }
}

#[test]
fn without_it_the_component_is_a_mistake() {
    let found = mistakes(TEXT);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("7:7 There is no processor `reverse`"),
        "{found:?}"
    );
    let nats = "github.com/redpanda-data/connect/v4/public/components/nats";
    let answer = allowed(&beside(TEXT, &[nats]));
    assert_eq!(answer.mistakes.len(), 1);
}

#[test]
fn functions_of_ones_own_are_no_mistakes_either() {
    let text = "pipeline: {processors: [{mapping: 'root = mine(this.a.ours())'}]}";
    let answer = allowed(&beside(text, &[OWN]));
    assert_eq!(answer.mistakes, []);
    assert_eq!(answer.warnings.len(), 2);
}

#[test]
fn the_operators_rules_hold() {
    let problems = answer_to(&beside(TEXT, &[OWN])).problems;
    assert!(problems[0].message.contains("`--modules`"), "{problems:?}");
}

#[test]
fn components_and_versions_of_the_question_go_into_the_request() {
    let question = SelectQuestion {
        components: vec!["redis".to_owned()],
        modules: [("github.com/redpanda-data/connect/v4", "v4.105.0")]
            .map(|(module, version)| (module.to_owned(), version.to_owned()))
            .into(),
        ..beside("input: {nats: {urls: [a], subject: b}}", &[])
    };
    let answer = answer_to(&question);
    assert_eq!(answer.problems, []);
    assert_eq!(last_parts(&answer), ["nats", "redis"]);
    assert_eq!(answer.request.unwrap().modules, question.modules);
}
