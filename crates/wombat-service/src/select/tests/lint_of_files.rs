//! What lint refuses, in files that refer to each other.

use super::*;

const TEMPLATE: &str = "name: mine\ntype: processor\nfields:\n  - {name: size, type: int, default: 1}\n  - {name: word, type: string}\n  - {name: mode, type: string_enum, options: [fast, slow], default: fast}\n  - {name: level, type: string_annotated_enum, options: {low: a, high: b}, default: low}\n  - {name: rule, type: bloblang, default: root = this}\n  - {name: words, type: string, kind: list, default: []}\nmapping: 'root.mapping = this.rule'\n";

fn of_template(config: &str) -> Vec<String> {
    let pipeline = format!("pipeline:\n  processors:\n    - mine: {config}\n");
    let answer = answer_of(&[("a.yaml", &pipeline), ("mine.yaml", TEMPLATE)]);
    lines(&answer.mistakes)
}

#[test]
fn fields_of_templates_are_checked_as_those_of_components() {
    for (config, expected) in [
        ("{word: a}", None),
        (
            "{word: a, size: 2, mode: SLOW, level: high, rule: this.a, words: [b]}",
            None,
        ),
        ("{}", Some("a.yaml:3:13 `word` is missing in `mine`.")),
        ("{word: [a]}", Some("a.yaml:3:20 `word` must be a text.")),
        (
            "{word: a, mode: slowly}",
            Some("a.yaml:3:29 `slowly` is no option of `mode`; there are `fast`, `slow`."),
        ),
        (
            "{word: a, level: middle}",
            Some("a.yaml:3:30 `middle` is no option of `level`; there are `low`, `high`."),
        ),
        (
            "{word: a, words: b}",
            Some("a.yaml:3:30 `words` must be a list."),
        ),
        ("{word: a, rule: root =1}", Some("a.yaml:3:35 ")),
    ] {
        let found = of_template(config);
        let is_expected = match (found.as_slice(), expected) {
            ([], None) => true,
            ([only], Some(expected)) => only.starts_with(expected),
            _ => false,
        };
        assert!(is_expected, "{config}: {found:?}");
    }
}

#[test]
fn options_that_arent_known_refuse_nothing() {
    let template = TEMPLATE.replace("[fast, slow]", "[fast, '${MODE}']");
    let pipeline = "pipeline: {processors: [{mine: {word: a, mode: slowly}}]}\n";
    let answer = answer_of(&[("a.yaml", pipeline), ("mine.yaml", &template)]);
    assert_eq!(answer.mistakes, []);
}

#[test]
fn mappings_in_files_and_templates_are_read() {
    let pipeline = "pipeline: {processors: [{mapping: 'from \"./m.blobl\"'}]}\n";
    for (mapping, expected) in [
        ("root.a = this.b\n", None),
        ("map one { root = this }\n", None),
        ("root.a = this.b\nroot.c = (this.d\n", Some("m.blobl:2:17 ")),
        ("root.a = this.b root.c = 1\n", Some("m.blobl:1:17 ")),
        ("root.a = 1\n\nroot.b =  \n", Some("m.blobl:3:9 ")),
    ] {
        let answer = answer_of(&[("a.yaml", pipeline), ("m.blobl", mapping)]);
        let found = lines(&answer.mistakes);
        assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }
    let wrong = TEMPLATE.replace("this.rule'", "(this.rule'");
    let found = mistakes(&wrong);
    assert!(
        matches!(found.as_slice(), [only] if only.starts_with("10:36 ")),
        "{found:?}"
    );
}

#[test]
fn a_label_is_used_once_in_each_pipeline() {
    let resources = "cache_resources:\n  - {label: a, memory: {}}\n";
    let twice = format!("{resources}  - {{label: a, memory: {{}}}}\n");
    let twice_is_wrong = "3:13 `a` is the label of another component, on line 2.";
    let streams = "a:\n  input: {label: x, stdin: {}}\nb:\n  input: {label: x, stdin: {}}\n";
    // An input or an output.
    let alone = "label: a\nnats: {urls: [b], subject: c}\n";
    let list = "- {label: a, mapping: root = this}\n- {label: a, mapping: root = this}\n";
    for (files, expected) in [
        (vec![("a.yaml", resources), ("b.yaml", resources)], vec![]),
        (
            vec![("a.yaml", twice.as_str()), ("b.yaml", resources)],
            vec![format!("a.yaml:{twice_is_wrong}")],
        ),
        (vec![("a.yaml", streams)], vec![]),
        (vec![("a.yaml", alone), ("b.yaml", resources)], vec![]),
        (vec![("a.yaml", list), ("b.yaml", resources)], vec![]),
    ] {
        let found = lines(&answer_of(&files).mistakes);
        assert_eq!(found, expected, "{files:?}");
    }
}

#[test]
fn strict_errors_are_those_of_the_same_pipeline() {
    let strict = "input: {stdin: {}}\nerror_handling: {strict: true}\n";
    let catching = "pipeline:\n  processors:\n    - catch: []\n";
    let apart = answer_of(&[("a.yaml", strict), ("b.yaml", catching)]);
    assert_eq!(apart.mistakes, []);
    let together = format!("{catching}{strict}");
    let found = mistakes(&together);
    assert!(
        matches!(found.as_slice(), [only] if only.contains("`catch` recovers nothing")),
        "{found:?}"
    );
}

#[test]
fn what_isnt_offered_is_one_mistake() {
    for pipeline in [
        "input: {zmq4: {urls: [1]}}\n",
        "input: {stdin: {}}\nredpanda: {seed_brokers: 1}\n",
        "pipeline: {processors: [{mapping: 'root = this.a.ffi(('}]}\n",
    ] {
        let found = mistakes(pipeline);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn many_files_with_other_spellings_are_read() {
    let names: Vec<String> = (0..256).map(|number| format!("{number}.yaml")).collect();
    let text =
        "input: {nats: {urls: [a], subject: b}} # \\'\noutput: {stdout: {codec: \"li\\'nes\"}}\n";
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text)).collect();
    let answer = answer_of(&files);
    assert_eq!(answer.mistakes, []);
    assert_eq!(answer.files.len(), 256);
}
