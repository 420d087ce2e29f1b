//! `<<`, and other aliases.

use super::*;

#[test]
fn merged_fields_pass_lint_and_are_ignored() {
    let text = "input:\n  broker:\n    inputs:\n      - nats: &both {urls: [a], subject: b}\n      - nats:\n          <<: *both\n";
    let ignored = "`lint` accepts `<<` in `nats`, but a pipeline that runs ignores these fields";
    for edits in [
        vec![],
        vec![(
            "- nats:\n          <<: *both",
            "- nats: {<<: *both, subject: c}",
        )],
        vec![("<<: *both", "<<: *both\n          subject: c")],
        vec![("<<: *both", "!!merge <<: *both")],
    ] {
        let answer = answer(&edited(text, &edits));
        assert_eq!(answer.mistakes, [], "{edits:?}");
        assert!(lines(&answer.warnings)[0].contains(ignored), "{edits:?}");
        assert_eq!(last_parts(&answer), ["nats"], "{edits:?}");
    }
    all_are_wrong(
        text,
        &[
            (
                &[("*both", "[*both]")],
                "6:11 Only `<<: *name` of a map may stand in `nats`.",
            ),
            (&[("*both", "{urls: [a]}")], "6:11 Only `<<: *name`"),
            (
                &[("subject: b", "zubject: b")],
                "4:33 There is no field `zubject`",
            ),
            (
                &[
                    ("<<: *both", "\"<<\": {}, urls: [a], subject: b"),
                    ("- nats:\n          \"<<\"", "- nats: {\"<<\""),
                    ("subject: b\n", "subject: b}\n"),
                ],
                "5:16 There is no field `<<`",
            ),
            (
                &[("- nats:\n          <<: *both", "- {nats: *both, <<: *both}")],
                "5:23 `<<` isn't merged into a component",
            ),
        ],
    );
    let disabled = "# BENTHOS LINT DISABLE\ninput: {nats: {<<: {urls: [a]}}}\n";
    let answer = answer(disabled);
    assert_eq!((answer.mistakes.len(), answer.warnings.len()), (0, 1));
}

#[test]
fn a_component_doesnt_come_by_merging() {
    let text =
        "pipeline:\n  processors:\n    - &a\n      redis: {url: a, command: get}\n    - <<: *a\n";
    let answer = answer(text);
    assert_eq!(
        lines(&answer.mistakes),
        ["5:7 `<<` isn't merged into a component; write its keys out."]
    );
    assert_eq!(last_parts(&answer), ["redis"]);
}

#[test]
fn an_unknown_field_that_is_an_alias_passes_lint() {
    let text = "input:\n  nats: &a {urls: [b], subject: c}\nshared: *a\n";
    assert_eq!(packages(text), ["nats"]);
}
