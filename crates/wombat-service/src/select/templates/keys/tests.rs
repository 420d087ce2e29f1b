use super::*;

fn paths(mapping: &str) -> Vec<String> {
    let (keys, is_cut) = written_keys(mapping);
    assert!(!is_cut, "{mapping}");
    keys.iter().map(|key| key.path.join(".")).collect()
}

#[test]
fn keys_are_those_of_paths_and_objects() {
    for (mapping, expected) in [
        ("root.a.b = this.c", vec!["a", "a.b"]),
        ("root.\"a b\".c = 1 # root.d = 1", vec!["a b", "a b.c"]),
        (
            "root = {\"a\": {\"b\": 1}, \"c\": 2}",
            vec!["a", "a.b", "c"],
        ),
        ("root = {\n  \"a\":\n    \"b\",\n}", vec!["a"]),
        (
            "root.x = [{\"a\": 1}, {\"b\": this.map_each(y -> {\"c\": y})}]",
            vec!["x", "x.a", "x.b", "x.b.c"],
        ),
        (
            "root.x = if this.a == {\"z\": 1}.b { {\"c\": 1} } else { {\"d\": 1} }",
            vec!["x", "x.z", "x.c", "x.d"],
        ),
        (
            "root = match {\n  this.a == 1 => {\"b\": 1}\n  _ => {\"c\": 1}\n}",
            vec!["b", "c"],
        ),
        (
            "let k = {\"kafka\": {}}\nroot.broker.inputs = [$k]",
            vec!["broker", "broker.inputs", "broker.inputs.kafka"],
        ),
        ("map other { root.a = {\"b\": 1} }\nroot.c = 1", vec!["c"]),
        (
            "root = this\n  .merge({\"a\": 1})\nroot.b = deleted()",
            vec!["a", "b"],
        ),
        (
            "let a = $a\nlet b = {\"x\": $b}\nroot = [$a, $b]",
            vec!["x", "x.x", "x.x.x", "x.x.x.x"],
        ),
        ("root.a == 1", vec!["a"]),
        (
            "if this.a == 1 {\n  root.b = 1\n} else if this.c { root.d = {\"e\": 1} }\nroot.f = 1",
            vec!["b", "d", "d.e", "f"],
        ),
        ("this.root.a = 1", vec![]),
        (
            "root.a = \"root.b = 1\" + \"\"\"\nroot.c = 1\n\"\"\"",
            vec!["a"],
        ),
        ("root = {\"a\": [", vec!["a"]),
    ] {
        assert_eq!(paths(mapping), expected, "{mapping}");
    }
}

#[test]
fn keys_have_their_places_and_values() {
    let mapping = "root.type = \"nats\"\nroot = {\"x\": {\"type\": \"redis\"}}";
    let (keys, is_cut) = written_keys(mapping);
    assert!(!is_cut, "{mapping}");
    let values: Vec<_> = keys.iter().map(|key| key.value.as_deref()).collect();
    assert_eq!(values, [Some("nats"), None, Some("redis")]);
    for key in &keys {
        assert!(mapping[key.at..].starts_with(key.path.last().unwrap()));
    }
}

#[test]
fn much_text_ends() {
    for mapping in [
        "root".to_owned() + &".a".repeat(50_000),
        "root = ".to_owned() + &"{\"a\":".repeat(50_000),
        "let a = [$a,$a,$a,$a,$a,$a,$a]\nroot = $a".to_owned(),
        "\n".repeat(200_000),
        format!("let a = [{}]\nroot = $a", "$a,".repeat(80_000)),
    ] {
        assert!(written_keys(&mapping).0.len() <= MOST_KEYS);
    }
}

#[test]
fn a_limit_that_is_hit_is_told() {
    let mapping = "root.a = 1\n".repeat(MOST_KEYS + 1);
    let (keys, is_cut) = written_keys(&mapping);
    assert_eq!((keys.len(), is_cut), (MOST_KEYS, true));
}
