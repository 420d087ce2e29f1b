//! Thousands of damaged pipelines: each is answered, and the parser never fails inside.

use super::{super::document::PANICKED, *};

/// How many are tried.
const TRIES: usize = 4000;

/// Pipelines that are damaged.
const TEXTS: [&str; 16] = [
    include_str!("inputs/brokers-in-brackets.yaml"),
    include_str!("inputs/default-in-quotes.yaml"),
    include_str!("inputs/type-from-variable.yaml"),
    include_str!("inputs/two-names.yaml"),
    include_str!("inputs/lint-disabled.yaml"),
    include_str!("inputs/processor-called-processors.yaml"),
    include_str!("inputs/meta-beside-name.yaml"),
    include_str!("inputs/signed-opensearch.yaml"),
    include_str!("inputs/dollars-before-mapping.yaml"),
    include_str!("inputs/brackets-at-parents-column.yaml"),
    include_str!("inputs/quotes-over-lines.yaml"),
    include_str!("inputs/template-alone.yaml"),
    "name: a\ntype: output\nmapping: |\n  let k = [{\"kafka\": {}}]\n  root.broker.outputs = $k\n  root.processors = if this.a { [{\"xml\": {}}] } else { [] }\n",
    "apiVersion: v1\nkind: ConfigMap\ndata:\n  p.yaml: |\n    input: {nats: {urls: ['${A}'], subject: b}}\n  b.blobl: root = ulid()\n",
    "a:\n  input: {stdin: {}}\n  pipeline: {processors: [{mapping: 'from \"b.blobl\"'}]}\nb: {output: {stdout: {}}}\n",
    "a: &a {b: !!str 'c', ? d : e}\n<<: *a\nf: |2-\n   g\nh: >+\n\n  i\n...\n%TAG ! x\n--- \"\\u263a\\\n  j\"\n",
];

/// What is put into them.
pub(super) const PARTS: [&str; 48] = [
    "\t",
    " ",
    "\n",
    "\r\n",
    "\r",
    ":",
    ": ",
    "- ",
    "-",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "|",
    ">",
    "|-\n",
    ">+2\n",
    " #",
    "&a ",
    "*a",
    "!",
    "!x,",
    "!!bool ",
    "%YAML 1.2\n",
    "---\n",
    "...\n",
    "\\",
    "\\/",
    "\\'",
    "@",
    "<<: ",
    "é",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{7}",
    "\0",
    "${A}",
    "${A:",
    "${{A}}",
    "${B}",
    "${! a() }",
    "\u{f8ff}",
    "''|",
];

/// Numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let high = usize::try_from(self.0 >> 33).unwrap();
        high % limit.max(1)
    }
}

fn damaged(numbers: &mut Numbers) -> String {
    let mut text: Vec<char> = TEXTS[numbers.below(TEXTS.len())].chars().collect();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(text.len() + 1);
        let end = (at + numbers.below(20)).min(text.len());
        let part: Vec<char> = PARTS[numbers.below(PARTS.len())].chars().collect();
        match numbers.below(7) {
            0..=2 => drop(text.splice(at..at, part)),
            3 => drop(text.drain(at..end)),
            4 => drop(text.splice(at..end, part)),
            5 => text.truncate(at),
            _ => {
                let copy = text[at..end].to_vec();
                let to = numbers.below(text.len() + 1);
                drop(text.splice(to..to, copy));
            }
        }
    }
    text.into_iter().collect()
}

#[test]
fn damaged_pipelines_are_answered() {
    let mut numbers = Numbers(20_260_101);
    for _ in 0..TRIES {
        let pipeline = damaged(&mut numbers);
        if pipeline.trim().is_empty() {
            continue;
        }
        let values: &[(&str, &str)] = match numbers.below(3) {
            0 => &[],
            1 => &[("A", "{b: [c"), ("SUBJECT", "hunter2: 'x")],
            _ => &[("A", "&a !x, *b"), ("B", "\u{1}")],
        };
        let answer = answer_with(&pipeline, values);
        let said = lines(&answer.mistakes);
        let parser_failed = said.iter().any(|it| it.contains(PANICKED));
        assert!(!parser_failed, "{pipeline:?} {values:?}: {said:?}");
        assert!(
            !said.iter().any(|it| it.contains("hunter2")),
            "{pipeline:?}"
        );
        for mistake in answer.mistakes.iter().chain(&answer.warnings) {
            assert!(mistake.line >= 1 && mistake.column >= 1, "{pipeline:?}");
        }
    }
}
