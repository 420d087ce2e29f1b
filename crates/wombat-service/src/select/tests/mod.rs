//! Pipelines against what the embedded catalog knows.

mod bento;
mod damaged;
mod differential;
mod drivers;
mod file_limits;
mod files;
mod given_values;
mod limits;
mod lint_of_files;
mod manifests;
mod merges;
mod mutated;
mod names;
mod not_offered;
mod outside;
mod own_schemas;
mod reserved_words;
mod roles;
mod templates;
mod unknown_values;
mod values;
mod variables;
mod working;
mod yaml;

use std::sync::{Arc, LazyLock};

use wombat_model::wire::{PipelineMistake, ReadFile, SelectAnswer, SelectQuestion};

use super::select;
use crate::{
    ServiceArgs,
    catalog::{Releases, Schemas, Snapshot, embedded_releases},
};

static KNOWN: LazyLock<(Snapshot, Schemas)> = LazyLock::new(|| {
    let releases = embedded_releases().unwrap();
    let snapshot = Snapshot::of(Arc::new(Releases::new(
        releases.into_iter().map(Arc::new),
        1,
    )));
    let schemas = Schemas::of(&snapshot);
    (snapshot, schemas)
});

/// The schemas of the embedded catalog.
pub(super) fn known_schemas() -> &'static Schemas {
    &KNOWN.1
}

fn answer(pipeline: &str) -> SelectAnswer {
    answer_with(pipeline, &[])
}

/// With values of variables.
fn answer_with(pipeline: &str, values: &[(&str, &str)]) -> SelectAnswer {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    answer_to(&SelectQuestion {
        variables: values.iter().map(pair).collect(),
        ..SelectQuestion::of(pipeline.to_owned())
    })
}

fn answer_to(question: &SelectQuestion) -> SelectAnswer {
    let (snapshot, schemas) = &*KNOWN;
    let policy = ServiceArgs::default().policy();
    select(question, snapshot, schemas, &policy).unwrap()
}

/// A question with files by name.
fn question_of(files: &[(&str, &str)]) -> SelectQuestion {
    let files = files.iter();
    SelectQuestion {
        files: files
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
        ..SelectQuestion::of(String::new())
    }
}

fn answer_of(files: &[(&str, &str)]) -> SelectAnswer {
    answer_to(&question_of(files))
}

/// `name[#entry] role+role`, each.
fn roles_of(answer: &SelectAnswer) -> Vec<String> {
    let line = |file: &ReadFile| {
        let name = file.name.as_deref().unwrap_or("-");
        let entry = file.entry.as_ref().map(|entry| format!("#{entry}"));
        let roles: Vec<&str> = file.roles.iter().map(|role| (*role).into()).collect();
        format!("{name}{} {}", entry.unwrap_or_default(), roles.join("+"))
    };
    answer.files.iter().map(line).collect()
}

/// The last parts of the packages' paths.
fn packages(pipeline: &str) -> Vec<String> {
    packages_with(pipeline, &[])
}

fn packages_with(pipeline: &str, values: &[(&str, &str)]) -> Vec<String> {
    let answer = answer_with(pipeline, values);
    assert_eq!(answer.mistakes, [], "{pipeline}");
    assert_eq!(answer.problems, [], "{pipeline}");
    last_parts(&answer)
}

fn last_parts(answer: &SelectAnswer) -> Vec<String> {
    let request = answer.request.as_ref().expect("a request");
    let last = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
    request.packages.iter().map(last).collect()
}

/// `line:column message`, each.
fn mistakes(pipeline: &str) -> Vec<String> {
    lines(&answer(pipeline).mistakes)
}

fn lines(mistakes: &[PipelineMistake]) -> Vec<String> {
    let line = |it: &PipelineMistake| {
        let file = it.file.as_ref().map(|file| format!("{file}:"));
        let file = file.unwrap_or_default();
        format!("{file}{}:{} {}", it.line, it.column, it.message)
    };
    mistakes.iter().map(line).collect()
}

/// A text with other words in it.
fn edited(text: &str, edits: Edits<'_>) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} isn't in {text}");
        text.replace(from, to)
    })
}

/// Words of a pipeline, and what stands in their place.
type Edits<'a> = &'a [(&'a str, &'a str)];

/// A pipeline, changed in several ways, and what each of them needs.
fn all_need(text: &str, ways: &[(Edits<'_>, &[&str])]) {
    for (edits, expected) in ways {
        let pipeline = edited(text, edits);
        assert_eq!(packages(&pipeline), *expected, "{pipeline}");
    }
}

/// A pipeline, changed in several ways, and the beginning of the only mistake in each of them.
fn all_are_wrong(text: &str, ways: &[(Edits<'_>, &str)]) {
    for (edits, expected) in ways {
        let pipeline = edited(text, edits);
        let found = mistakes(&pipeline);
        let [only] = found.as_slice() else {
            panic!("{pipeline}: {found:?}");
        };
        assert!(only.starts_with(expected), "{pipeline}: {only}");
    }
}

#[test]
fn a_component_is_found_wherever_it_stands() {
    for (pipeline, expected) in [
        ("input: {nats: {urls: [a], subject: b}}", vec!["nats"]),
        (
            "input:\n  broker:\n    inputs:\n      - nats: {urls: [a], subject: b}\n      - redis_list: {url: a, key: b}",
            vec!["nats", "redis"],
        ),
        (
            "pipeline:\n  processors:\n    - branch:\n        processors:\n          - redis: {url: a, command: get}\n",
            vec!["redis"],
        ),
        (
            "pipeline:\n  processors:\n    - switch:\n        - check: this.a\n          processors:\n            - redis_script: {url: a, script: b, args_mapping: this, keys_mapping: this}\n",
            vec!["redis"],
        ),
        (
            "input:\n  stdin: {}\n  processors:\n    - redis: {url: a, command: get}\n",
            vec!["redis"],
        ),
        (
            "cache_resources:\n  - label: x\n    redis: {url: a}\n",
            vec!["redis"],
        ),
        (
            "rate_limit_resources:\n  - label: x\n    redis: {url: a, key: b}\n",
            vec!["redis"],
        ),
        (
            "metrics:\n  mapping: 'root = this.uppercase()'\n  prometheus: {}\n",
            vec!["prometheus"],
        ),
        (
            "output: {switch: {cases: [{output: {mqtt: {urls: [a], topic: b}}}]}}",
            vec!["mqtt"],
        ),
        (
            "input: {type: nats, nats: {urls: [a], subject: b}}",
            vec!["nats"],
        ),
        (
            "input: {stdin: {}}\n---\noutput: {nats: {urls: [a], subject: b}}",
            vec!["nats"],
        ),
    ] {
        assert_eq!(packages(pipeline), expected, "{pipeline}");
    }
}

#[test]
fn names_in_texts_are_no_components() {
    let pipeline = "input:\n  generate:\n    mapping: 'root = \"kafka redis nats(\"'\noutput:\n  file: {path: 'nats/${! json(\"redis\") }'}\n";
    assert_eq!(packages(pipeline), ["io"]);
}

#[test]
fn what_the_environment_decides_is_left_alone() {
    let pipeline = "input: {nats: {urls: ['${NATS_URL:nats://a}'], subject: '${SUBJECT}'}}\noutput: {stdout: {}}";
    assert_eq!(packages(pipeline), ["nats"]);
}

#[test]
fn a_template_of_the_text_is_no_unknown_component() {
    let template =
        "name: mine\ntype: processor\nfields: []\nmapping: |\n  root.mapping = \"root = this\"\n";
    let pipeline = format!("{template}---\npipeline:\n  processors:\n    - mine: {{}}\n");
    assert_eq!(packages(&pipeline), ["io"]);
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_may_be_meant() {
    for (pipeline, expected) in [
        (
            "input:\n  natz: {}\n",
            "2:3 There is no input `natz`; did you mean `nats`?",
        ),
        (
            "input:\n  redis_hash: {}\n",
            "2:3 `redis_hash` is an output, not an input",
        ),
        (
            "inputs:\n  stdin: {}\n",
            "1:1 There is no field `inputs` in a pipeline; did you mean `input`?",
        ),
        (
            "input: {}\n",
            "1:8 No input is named here, such as `stdin`.",
        ),
        (
            "input:\n  nats: {url: a, subject: b}\n",
            "2:10 There is no field `url` in `nats`; did you mean `urls`?",
        ),
        (
            "pipeline:\n  processors:\n    - mapping: root = this.uppercaze()\n",
            "3:28 The mapping language has no method `uppercaze`; did you mean `uppercase`?",
        ),
        (
            "pipeline:\n  processors:\n    - mapping: |\n        root.a = 1\n        root.b = uuid_v9()\n",
            "5:18 The mapping language has no function `uuid_v9`",
        ),
        (
            "pipeline:\n  processors:\n    mapping: root = this\n",
            "3:5 `processors` must be a list.",
        ),
        (
            "input:\n  stdin: {}\n  stdot: {}\n",
            "3:3 `stdot` stands beside `stdin`",
        ),
        ("input: [\n", "The YAML can't be read here"),
    ] {
        let found = mistakes(pipeline);
        assert!(
            found.iter().any(|it| it.contains(expected)),
            "{pipeline}: {found:?}"
        );
    }
}

#[test]
fn all_mistakes_are_told_and_the_rest_is_found() {
    let answer = answer("input:\n  natz: {}\noutput:\n  redis_list: {url: a, key: b, keyz: c}\n");
    assert_eq!(answer.mistakes.len(), 2);
    assert!(
        answer
            .components
            .iter()
            .any(|it| it.component.name == "redis_list")
    );
}
