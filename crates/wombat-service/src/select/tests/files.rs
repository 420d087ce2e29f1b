//! Many files in one question.

use super::*;

#[test]
fn what_files_need_is_added_up_and_places_name_the_file() {
    let answer = answer_of(&[
        ("conf/b.yaml", "output:\n  redis_list: {url: a, key: b}\n"),
        (
            "conf/a.yaml",
            "input:\n  nats: {urls: [a], subject: b, sbject: c}\noutput:\n  redis_list: {url: a, key: b}\n",
        ),
    ]);
    assert_eq!(last_parts(&answer), ["nats", "redis"]);
    let at: Vec<_> = answer
        .components
        .iter()
        .map(|it| (it.component.name.as_str(), it.file.as_deref(), it.line))
        .collect();
    assert_eq!(
        at,
        [
            ("nats", Some("conf/a.yaml"), 2),
            ("redis_list", Some("conf/a.yaml"), 4)
        ]
    );
    assert_eq!(
        lines(&answer.mistakes),
        ["conf/a.yaml:2:33 There is no field `sbject` in `nats`; did you mean `subject`?"]
    );
}

#[test]
fn variables_are_replaced_in_every_file_and_have_all_their_places() {
    let files = [
        ("a.yaml", "input:\n  type: ${IN}\n"),
        ("b.yaml", "output: {type: '${OUT:redis_list}'}\n# ${IN:x}\n"),
        ("c.blobl", "root = \"${IN}\".slug()\n"),
    ];
    let answer = answer_of(&files);
    assert_eq!(answer.mistakes, []);
    assert_eq!(
        lines(&answer.warnings),
        ["a.yaml:2:9 `${IN}` decides here; give it a value."]
    );
    let places: Vec<_> = answer
        .variables
        .iter()
        .map(|it| {
            let places = it.places.iter();
            let places: Vec<String> = places
                .map(|at| {
                    format!(
                        "{}:{}:{}",
                        at.file.as_deref().unwrap_or_default(),
                        at.line,
                        at.column
                    )
                })
                .collect();
            (
                it.name.as_str(),
                it.default.as_deref(),
                it.decides,
                places.join(" "),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("IN", Some("x"), true, "a.yaml:2:9 b.yaml:2:3".to_owned()),
            ("OUT", Some("redis_list"), true, "b.yaml:1:17".to_owned()),
        ]
    );
    assert_eq!(last_parts(&answer), ["extended", "redis"]);
    let given = SelectQuestion {
        variables: [("IN".to_owned(), "nats".to_owned())].into_iter().collect(),
        ..question_of(&files)
    };
    assert_eq!(
        last_parts(&answer_to(&given)),
        ["nats", "extended", "redis"]
    );
}

#[test]
fn mappings_that_are_named_are_read() {
    let pipeline = "pipeline:\n  processors:\n    - mapping: from \"lib/a.blobl\"\n    - mutation: |\n        import \"./lib/b\"\n        root = this.apply(\"x\")\n";
    let a = "import \"c.blobl\"\nroot = this.a.parse_xml()\n";
    let b = "map x { root = geoip_city(\"d\") }\n";
    let answer = answer_of(&[
        ("conf/p.yaml", pipeline),
        ("conf/lib/a.blobl", a),
        ("conf/lib/b", b),
        (
            "conf/lib/c.blobl",
            "map y { root = ulid() + this.uppercaze() }\n",
        ),
        ("unused.blobl", "root = this.geoip_asn(\"x\")\n"),
    ]);
    assert_eq!(
        roles_of(&answer),
        [
            "conf/lib/a.blobl mapping",
            "conf/lib/b mapping",
            "conf/lib/c.blobl mapping",
            "conf/p.yaml pipeline",
            "unused.blobl mapping",
        ]
    );
    let found = lines(&answer.mistakes);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("conf/lib/b:1:16 The mapping language has no function `geoip_city`"),
        "{found:?}"
    );
    assert!(
        found[1]
            .starts_with("conf/lib/c.blobl:1:30 The mapping language has no method `uppercaze`"),
        "{found:?}"
    );
    assert_eq!(answer.notes, []);
    assert_eq!(last_parts(&answer), ["maxmind", "extended"]);
}

#[test]
fn what_is_named_and_isnt_there_is_a_note() {
    for (pipeline, expected) in [
        (
            "pipeline: {processors: [{mapping: 'from \"lib/a.blobl\"'}]}",
            "1:42 not seen: `lib/a.blobl`; send it as well",
        ),
        (
            "pipeline:\n  processors:\n    - mapping: |\n        import \"b.blobl\"\n        root = this\n",
            "4:17 not seen: `b.blobl`; send it as well",
        ),
        (
            "pipeline: {processors: [{json_schema: {schema_path: 'file://a/s.json'}}]}",
            "1:61 not seen: `a/s.json`; the binary needs it when it runs.",
        ),
        (
            "pipeline: {processors: [{mapping: 'from \"${DIR}/a.blobl\"'}]}",
            "1:42 not seen: `${DIR}/a.blobl`; a variable decides which file it is.",
        ),
        (
            "input: {stdin: {}}\ntests: [{name: a, target_mapping: x.blobl}]",
            "2:35 not seen: `x.blobl`",
        ),
    ] {
        let answer = answer(pipeline);
        assert_eq!(answer.mistakes, [], "{pipeline}");
        let notes = lines(&answer.notes);
        assert!(
            notes.len() == 1 && notes[0].starts_with(expected),
            "{pipeline}: {notes:?}"
        );
    }
    let secret = "pipeline: {processors: [{mapping: 'from \"${P}/a.blobl\"'}]}";
    let said = serde_json::to_string(&answer_with(secret, &[("P", "hunter2")])).unwrap();
    assert!(
        said.contains("not seen: `${P}/a.blobl`") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn a_named_file_that_was_sent_is_no_unknown_one() {
    let answer = answer_of(&[
        (
            "p.yaml",
            "pipeline: {processors: [{json_schema: {schema_path: 'file://./schemas/s.json'}}]}",
        ),
        (
            "schemas/s.json",
            "{\"type\": \"object\", \"properties\": {}}",
        ),
    ]);
    assert_eq!(answer.notes, []);
    assert_eq!(
        roles_of(&answer),
        ["p.yaml pipeline", "schemas/s.json data"]
    );
}
