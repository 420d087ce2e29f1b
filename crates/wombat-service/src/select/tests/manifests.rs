//! Pipelines in Kubernetes manifests.

use super::*;

const CONFIG_MAP: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: pipelines}
data:
  pipeline.yaml: |
    input:
      nats: {urls: ['${URL}'], subject: b}
    output:
      redis_list: {url: a, keyy: b}
  other: plain text
";

#[test]
fn entries_are_read_and_places_are_those_of_the_manifest() {
    let field = "cm.yaml:9:28 There is no field `keyy` in `redis_list`; did you mean `key`?";
    for (edits, packages, mistake) in [
        (vec![], vec!["nats", "redis"], field),
        // Other component.
        (
            vec![(
                "nats: {urls: ['${URL}'], subject: b}",
                "nsq: {topic: b, channel: c}",
            )],
            vec!["nsq", "redis"],
            field,
        ),
        // Indentation.
        (
            vec![
                ("    input", "        input"),
                ("      nats", "          nats"),
                ("    output", "        output"),
                ("      redis", "          redis"),
            ],
            vec!["nats", "redis"],
            "cm.yaml:9:32 There is no field `keyy`",
        ),
        // Default of a variable.
        (vec![("nats:", "${IN:nats}:")], vec!["nats", "redis"], field),
        // Position.
        (
            vec![("data:\n", "data:\n  a: |-\n\n    # nothing\n")],
            vec!["nats", "redis"],
            "cm.yaml:12:28 There is no field `keyy`",
        ),
        // Style.
        (
            vec![(
                "|\n    input:\n      nats: {urls: ['${URL}'], subject: b}\n    output:\n      redis_list: {url: a, keyy: b}",
                "\"{input: {nats: {urls: [a], subject: b}}, output: {redis_list: {url: a, keyy: b}}}\"",
            )],
            vec!["nats", "redis"],
            "cm.yaml:5:90 There is no field `keyy`",
        ),
        // A list of manifests, and other objects.
        (
            vec![(
                "apiVersion: v1\nkind: ConfigMap",
                "apiVersion: apps/v1\nkind: Deployment\nspec: {}\n---\napiVersion: v1\nkind: ConfigMap",
            )],
            vec!["nats", "redis"],
            "cm.yaml:13:28 There is no field `keyy`",
        ),
        (
            vec![
                ("kind: ConfigMap", "kind: Secret"),
                ("data:", "stringData:"),
            ],
            vec!["nats", "redis"],
            field,
        ),
    ] {
        let text = edited(CONFIG_MAP, &edits);
        let answer = answer_of(&[("cm.yaml", &text)]);
        assert_eq!(last_parts(&answer), packages, "{text}");
        let found = lines(&answer.mistakes);
        assert!(
            found.len() == 1 && found[0].starts_with(mistake),
            "{text}: {found:?}"
        );
        let roles = roles_of(&answer);
        assert_eq!(roles[0], "cm.yaml manifest");
        assert!(
            roles.contains(&"cm.yaml#pipeline.yaml pipeline".to_owned()),
            "{roles:?}"
        );
        assert!(
            roles.contains(&"cm.yaml#other unknown".to_owned()),
            "{roles:?}"
        );
    }
}

#[test]
fn variables_of_entries_have_their_places() {
    let answer = answer(CONFIG_MAP);
    let [url] = answer.variables.as_slice() else {
        panic!("{:?}", answer.variables);
    };
    assert_eq!(
        (url.name.as_str(), url.places[0].line, url.places[0].column),
        ("URL", 7, 22)
    );
}

#[test]
fn entries_name_each_other() {
    let text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  p.yaml: |\n    pipeline: {processors: [{mapping: 'from \"/etc/x/m.blobl\"'}]}\n  m.blobl: |\n    root = ulid()\n";
    let answer = answer(text);
    assert_eq!(answer.mistakes, []);
    assert_eq!(answer.notes, []);
    assert_eq!(last_parts(&answer), ["extended"]);
    let expected = ["- manifest", "-#p.yaml pipeline", "-#m.blobl mapping"];
    assert_eq!(roles_of(&answer), expected);
}

#[test]
fn what_isnt_read_of_a_manifest_is_told() {
    for (text, expected) in [
        (
            "apiVersion: apps/v1\nkind: Deployment\nspec: {}\n",
            "1:1 A `Deployment` holds no pipeline",
        ),
        (
            "apiVersion: v1\nkind: Secret\ndata: {a: b}\n",
            "3:7 `data` is encoded",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: {b: c}\n",
            "4:3 The value of `a` must be text",
        ),
        (
            "apiVersion: v1\nkind: Service\n---\ninput: {stdin: {}}\n",
            "4:1 This part isn't read",
        ),
    ] {
        let notes = lines(&answer(text).notes);
        assert!(
            notes.iter().any(|it| it.starts_with(expected)),
            "{text}: {notes:?}"
        );
    }
    let operators = "apiVersion: cluster.redpanda.com/v1alpha2\nkind: Pipeline\nspec:\n  configYaml: |\n    input: {nats: {urls: [a], subject: b}}\n";
    assert_eq!(packages(operators), ["nats"]);
    let list = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    data: {p: 'input: {nats: {urls: [a], subject: b}}'}\n";
    assert_eq!(packages(list), ["nats"]);
}
