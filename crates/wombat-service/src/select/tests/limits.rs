//! Sizes and depths.

use super::*;

/// `depth` processors within each other.
fn nested(name: &str, depth: usize) -> String {
    let begin = format!("{{{name}: [").repeat(depth);
    let end = "]}".repeat(depth);
    format!("pipeline: {{processors: [{begin}{{redis: {{url: a, command: get}}}}{end}]}}")
}

#[test]
fn thirty_processors_within_each_other_are_found() {
    for depth in [1, 30, 100, 120] {
        assert_eq!(packages(&nested("try", depth)), ["redis"], "{depth}");
        assert_eq!(packages(&nested("processors", depth)), ["redis"], "{depth}");
    }
    let mut lines = "pipeline:\n  processors:\n".to_owned();
    for depth in 0..60 {
        lines.push_str(&" ".repeat(4 + 2 * depth));
        lines.push_str("- for_each:\n");
    }
    lines.push_str(&" ".repeat(124));
    lines.push_str("- redis: {url: a, command: get}\n");
    assert_eq!(packages(&lines), ["redis"]);
    let found = mistakes(&nested("try", 130));
    assert!(found[0].contains("nested at most 256 deep"), "{found:?}");
}

#[test]
fn aliases_of_aliases_end() {
    let mut pipeline = "pipeline:\n  processors:\n    - try: &p0 [{log: {}}]\n".to_owned();
    for n in 1..40 {
        let before = n - 1;
        let line = format!("    - try: &p{n} [{{try: *p{before}}}, {{try: *p{before}}}]\n");
        pipeline.push_str(&line);
    }
    let found = mistakes(&pipeline);
    assert!(
        found.iter().any(|it| it.contains("over 100000 values")),
        "{found:?}"
    );
}

#[test]
fn a_chain_of_aliases_ends() {
    let mut pipeline =
        "# BENTHOS LINT DISABLE\nx:\n  - &p0 {redis: {url: a, command: get}}\n".to_owned();
    for n in 1..2000 {
        let line = format!("  - &p{n} {{try: [*p{}]}}\n", n - 1);
        pipeline.push_str(&line);
    }
    for (last, is_found) in [(100, true), (1999, false)] {
        let answer = answer(&format!("{pipeline}pipeline: {{processors: [*p{last}]}}\n"));
        let found = lines(&answer.mistakes);
        if is_found {
            assert_eq!(found, [""; 0]);
            assert_eq!(last_parts(&answer), ["redis"]);
        } else {
            assert!(found[0].contains("256 deep, aliases included"), "{found:?}");
        }
    }
}

#[test]
fn values_make_a_pipeline_too_large() {
    let pipeline = "input: {nats: {urls: [a], subject: b}} # ".to_owned() + &"${A}".repeat(100);
    let value = "x".repeat(16 * 1024);
    let found = lines(&answer_with(&pipeline, &[("A", &value)]).mistakes);
    assert_eq!(
        found,
        [
            "1:1 After its variables are replaced, a pipeline has at most 1024 KiB, all of its files together."
        ]
    );
}

#[test]
fn long_lines_and_many_variables_take_no_time() {
    let many = |item: &str| {
        let items: Vec<&str> = vec![item; 60_000 / (item.len() + 1)];
        items.join(",")
    };
    for pipeline in [
        format!("input: {{nats: {{urls: [{}], subject: a}}}}", many("${A}")),
        format!("pipeline: {{processors: [{}]}}", many("${A}")),
        format!("pipeline: {{processors: [{}]}}", many("{a: }")),
        format!("pipeline: {{processors: [mapping: '{}']}}", many("nou()")),
        format!(
            "pipeline: {{processors: [mapping: '{}']}}",
            many("${A}nou()")
        ),
        format!(
            "pipeline: {{processors: [mapping: '{}']}}",
            many("${A:n}ow()")
        ),
        "${A}\n".repeat(12_000),
        "- ${A}\n".repeat(8_000),
        "${A:".repeat(15_000),
        "${A}: [\n".repeat(7_000),
        "!,".repeat(30_000),
        "[a:".repeat(20_000),
        "\"\\'".repeat(20_000),
        format!("input: {}", many("!x")),
    ] {
        let start = std::time::Instant::now();
        answer(&pipeline);
        let took = start.elapsed();
        assert!(took.as_secs() < 5, "{}: {took:?}", &pipeline[..40]);
    }
}
