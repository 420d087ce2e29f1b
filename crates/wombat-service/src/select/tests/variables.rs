//! Variables with defaults, and with values that were given.

use wombat_model::wire::PipelineVariable;

use super::*;

#[test]
fn defaults_are_part_of_the_text() {
    all_need(
        include_str!("inputs/brokers-in-brackets.yaml"),
        &[
            (&[], &["kafka", "redis"]),
            (
                &[
                    ("redis_list", "nsq"),
                    (
                        "url: ${REDIS_URL:redis://localhost:6379}, key: copies",
                        "topic: a, nsqd_tcp_address: ${N:a:4150}",
                    ),
                ],
                &["kafka", "nsq"],
            ),
            (
                &[(
                    "[ ${BROKERS:localhost:9092} ]",
                    "${BROKERS:[\"a:9092\", 'b: 9092']}",
                )],
                &["kafka", "redis"],
            ),
            (
                &[(
                    "[ ${BROKERS:localhost:9092} ]",
                    "[\n      ${BROKERS:localhost:9092},\n      b]",
                )],
                &["kafka", "redis"],
            ),
            (
                &[("    ", "        "), ("[ ${TOPIC", "[${TOPIC")],
                &["kafka", "redis"],
            ),
            (
                &[("kafka_franz", "${KIND:kafka_franz}")],
                &["kafka", "redis"],
            ),
            (&[("output:", "${SECTION:output}:")], &["kafka", "redis"]),
            (
                &[(
                    "redis_list: {url: ${REDIS_URL:redis://localhost:6379}, key: copies}",
                    "${OUTPUT:mqtt: {urls: [a], topic: b}}",
                )],
                &["kafka", "mqtt"],
            ),
        ],
    );
    all_need(
        include_str!("inputs/default-in-quotes.yaml"),
        &[
            (&[], &["nats"]),
            (&[("\"invoices: paid\"", "'invoices: paid'")], &["nats"]),
            (&[("\"invoices: paid\"", "\"it's: \\\"so\\\"\"")], &["nats"]),
            (
                &[(
                    "- nats://localhost:4222",
                    "- ${URL:\"nats://localhost:4222\"}",
                )],
                &["nats"],
            ),
            (&[("nats:\n", "nats_jetstream:\n")], &["nats"]),
            (&[("    ", "        "), ("  nats", "    nats")], &["nats"]),
            (
                &[(
                    "${SUBJECT:\"invoices: paid\"}",
                    "\"${SUBJECT:invoices: paid}\"",
                )],
                &["nats"],
            ),
            (
                &[("stdout: {}", "${OUT:redis_list: {url: a, key: b}}")],
                &["nats", "redis"],
            ),
        ],
    );
}

#[test]
fn a_default_or_value_may_choose_a_component() {
    let text = include_str!("inputs/type-from-variable.yaml");
    all_need(
        text,
        &[
            (&[], &["nats"]),
            (
                &[("type: ${SOURCE:nats}", "type: \"${SOURCE:nats}\"")],
                &["nats"],
            ),
            (
                &[
                    ("${SOURCE:nats}", "${SOURCE:redis}_list"),
                    ("nats:\n", "redis_list:\n"),
                    ("urls: [nats://localhost:4222]", "url: a"),
                    ("subject", "key"),
                ],
                &["redis"],
            ),
            (
                &[("  type: ${SOURCE:nats}\n  nats:", "  ${SOURCE:nats}:")],
                &["nats"],
            ),
            (&[("  nats:\n", "  plugin:\n")], &["nats"]),
            (
                &[("input:\n", "input: # ${UNUSED:redis_list: {}}\n")],
                &["nats"],
            ),
        ],
    );
    for (values, expected) in [
        (vec![("SOURCE", "nats")], vec!["nats"]),
        (vec![("SOURCE", "")], vec!["nats"]),
        (vec![("SOURCE", "nats_jetstream"), ("X", "y")], vec!["nats"]),
    ] {
        let text = edited(text, &[("  nats:\n", "  plugin:\n")]);
        assert_eq!(packages_with(&text, &values), expected, "{values:?}");
    }
    let block = "output:\n  broker:\n    outputs: ${OUTPUTS}\n";
    let value = "[{redis_list: {url: a, key: b}}, {mqtt: {urls: [a], topic: b}}]";
    assert_eq!(
        packages_with(block, &[("OUTPUTS", value)]),
        ["mqtt", "redis"]
    );
    let lines = "input:\n  stdin: {}\n${MORE}\n";
    let value = "output: {nats: {urls: [a], subject: b}}";
    assert_eq!(packages_with(lines, &[("MORE", value)]), ["nats"]);
    // A line break in a value is part of a text.
    let text = "input: {nats: {urls: [a], subject: \"${SUBJECT}\"}}";
    assert_eq!(packages_with(text, &[("SUBJECT", "a\nb: c")]), ["nats"]);
}

#[test]
fn places_are_those_of_the_text_that_was_sent() {
    for (pipeline, values, expected) in [
        (
            "input: {nats: {urls: [\"${A:b}\"], subject: ${S}, uhls: 1}}\n",
            vec![("S", "a.much.longer.subject")],
            "1:49 There is no field `uhls` in `nats`; did you mean `urls`?",
        ),
        (
            "input:\n  nats:\n    urls: [ ${A:x\n      y} ]\n    zubject: a\n",
            vec![],
            "5:5 There is no field `zubject` in `nats`; did you mean `subject`?",
        ),
        (
            "input:\n  ${A:natz}: {}\n",
            vec![],
            "2:3 There is no input `natz`; did you mean `nats`?",
        ),
        (
            "# ${{A}} é\ninput:\n  \"é\": {}\n",
            vec![],
            "3:3 There is no input `é`.",
        ),
        (
            "# é\ninput: {stdin: {}}\npipeline: {processors: [mapping: 'é = ${A:1} + nou()']}\n",
            vec![],
            "3:48 The mapping language has no function `nou`; did you mean `now`?",
        ),
        (
            "input:\n  nats:\n    subject: ${A}\n",
            vec![("A", "[1")],
            "3:14 The YAML can't be read here:",
        ),
    ] {
        let found = lines(&answer_with(pipeline, &values).mistakes);
        let [only] = found.as_slice() else {
            panic!("{pipeline}: {found:?}");
        };
        assert!(only.starts_with(expected), "{pipeline}: {only}");
    }
}

#[test]
fn every_variable_is_listed_once() {
    let pipeline = "input:\n  type: ${SOURCE}\n  nats: {urls: ['${URL:nats://a}'], subject: \"${S}\"}\noutput:\n  ${OUT:stdout}: {}\n# ${S} ${{NONE}} ${URL:b} ${! json() }\n";
    let answer = answer_with(pipeline, &[("S", "secret"), ("OUT", ""), ("UNUSED", "x")]);
    let shown = |it: &PipelineVariable| {
        let places: Vec<String> = it
            .places
            .iter()
            .map(|at| format!("{}:{}", at.line, at.column))
            .collect();
        let default = it.default.as_deref().unwrap_or("-");
        let (given, decides) = (it.given, it.decides);
        format!(
            "{} {default} {} {given} {decides}",
            it.name,
            places.join(" ")
        )
    };
    let shown: Vec<String> = answer.variables.iter().map(shown).collect();
    assert_eq!(
        shown,
        [
            "OUT stdout 5:3 true true",
            "S - 3:47 6:3 true false",
            "SOURCE - 2:9 false true",
            "URL nats://a 3:18 6:18 false false",
        ]
    );
}
