//! Pipelines that were written for Bento.

use super::*;

#[test]
fn signs_of_bento_are_told_once_and_explained() {
    for (pipeline, place) in [
        ("# BENTO LINT DISABLE\ninput: {stdin: {}}\n", "1:1"),
        ("input:\n  stdin: {}\n# ${BENTO_X}\n", "3:3"),
        (
            "# github.com/warpstreamlabs/bento/public/components/nats\ninput: {stdin: {}}\n",
            "1:3",
        ),
        ("input:\n  etcd: {key: '${BENTO_KEY:a}'}\n", "2:16"),
        ("input:\n  etcd: {}\n", "2:3"),
        (
            "pipeline: {processors: [{mapping: 'root = flow_id()'}]}",
            "1:43",
        ),
    ] {
        let answer = answer(pipeline);
        let notes = lines(&answer.notes);
        let [only] = notes.as_slice() else {
            panic!("{pipeline}: {notes:?}");
        };
        assert!(
            only.starts_with(&format!("{place} This seems to be written for Bento")),
            "{pipeline}: {only}"
        );
    }
    for pipeline in [
        "input: {stdin: {}}\n# bento box\n",
        "input: {zmq4: {}}\n",
        "# BENTHOS LINT DISABLE\ninput: {stdin: {}}\n",
    ] {
        assert_eq!(answer(pipeline).notes, [], "{pipeline}");
    }
}

#[test]
fn what_only_bento_has_is_a_mistake_and_the_rest_is_taken() {
    let answer = answer("input:\n  etcd: {}\noutput:\n  nats: {urls: [a], subject: b}\n");
    let found = lines(&answer.mistakes);
    assert!(
        found[0].starts_with("2:3 Bento, WarpStream's fork of Benthos, has the input `etcd`"),
        "{found:?}"
    );
    assert_eq!(last_parts(&answer), ["nats"]);
}

#[test]
fn the_note_comes_once_for_all_files() {
    let answer = answer_of(&[
        ("a.yaml", "# BENTO LINT DISABLE\ninput: {stdin: {}}\n"),
        ("b.yaml", "# BENTO LINT DISABLE\noutput: {stdout: {}}\n"),
    ]);
    assert_eq!(answer.notes.len(), 1);
    assert_eq!(answer.notes[0].file.as_deref(), Some("a.yaml"));
}
