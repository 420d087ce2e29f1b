//! The text that Benthos makes of variables.

use super::*;

fn given(pairs: &[(&str, &str)]) -> Variables {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// In a question with this text alone.
fn find(source: &str, values: &Variables) -> VariableUses {
    VariableUses::find(source, values, &mut VariableBudget::default())
}

/// The replaced text; `?` stands for an unknown value.
fn replaced(source: &str, values: &[(&str, &str)]) -> String {
    let uses = find(source, &given(values));
    assert_eq!(uses.mistakes, [], "{source}");
    let forms = vec![Form::Word; uses.all.len()];
    let text = uses.replaced(source, &forms).unwrap();
    text.as_str().replace(uses.placeholder, "?")
}

#[test]
fn variables_are_replaced_as_benthos_does() {
    let values = [
        ("A", "one"),
        ("a.B_9", "two"),
        ("EMPTY", ""),
        ("LINES", "x\ny"),
    ];
    for (source, expected) in [
        ("${A} ${a.B_9} ${X}", "one two ?"),
        ("${A:z}${X:z}${X:}", "onez"),
        ("${EMPTY}|${EMPTY:z}", "|z"),
        ("${X:a: \"b\"}", "a: \"b\""),
        ("${X:a\nb} ${LINES}", "a\\nb x\\ny"),
        ("${X:${A}}", "${A}"),
        ("${X:a ${A} b}", "a ${A} b"),
        ("${X:${}}", "${}"),
        ("${{A}} ${{X:${A}}}", "${A} ${X:one}"),
        ("${{A:b}} ${A", "${A:b} ${A"),
        (
            "${A-B} ${} ${ A } $A {A} $${A}",
            "${A-B} ${} ${ A } $A {A} $one",
        ),
        ("${! json() } ${{! json() }}", "${! json() } ${{! json() }}"),
        ("${X:dHdv|base64decode}", "two"),
        ("${X|base64decode}${A|}", "?${A|}"),
        ("${X:b|}", "b"),
        ("# ${A}", "# one"),
    ] {
        assert_eq!(replaced(source, &values), expected, "{source:?}");
    }
    // As regular expressions match: up to the last bracket if the outer one isn't closed.
    assert_eq!(replaced("${X:${A} b", &values), "${A b");
}

#[test]
fn a_value_is_replaced_once() {
    assert_eq!(replaced("${A}", &[("A", "${B}"), ("B", "c")]), "${B}");
    assert_eq!(replaced("${A}", &[("A", "${{B}}")]), "${B}");
}

#[test]
fn decoders_are_checked_without_showing_a_value() {
    for (source, part) in [
        ("a: ${A|upper}", "no decoder `upper`"),
        ("a: ${X:a|b}", "no decoder `b`"),
        ("a: ${X|upper}", "no decoder `upper`"),
        ("a: ${A|base64decode}", "isn't text in base64"),
    ] {
        let uses = find(source, &given(&[("A", "hunter2!")]));
        let [VariableMistake { offset: 3, message }] = uses.mistakes.as_slice() else {
            panic!("{source}: {:?}", uses.mistakes);
        };
        assert!(message.contains(part), "{message}");
        assert!(!format!("{uses:?}").contains("hunter2"));
    }
}

#[test]
fn sizes_are_limited() {
    let source = "${A}".repeat(100);
    let value = "x".repeat(16 * 1024);
    let uses = find(&source, &given(&[("A", &value)]));
    assert!(uses.replaced(&source, &[Form::Word; 100]).is_none());
    let many: Vec<String> = (0..=MAX_VARIABLES).map(|n| format!("${{V{n}}}")).collect();
    let many = many.join("\n");
    let uses = find(&many, &Variables::default());
    assert_eq!(uses.mistakes.len(), 1);
    assert!(uses.mistakes[0].message.contains("256"));
    let wrong = find(&"${A|b}".repeat(1000), &Variables::default());
    assert_eq!(wrong.mistakes.len(), MOST_MISTAKES);
}

#[test]
fn a_placeholder_is_a_character_that_occurs_nowhere() {
    for (source, value, expected) in [
        ("${A}", "", '\u{f8ff}'),
        ("${A} \u{f8ff}", "", '\u{f8fe}'),
        ("${A} \u{f8fe}", "\u{f8ff}", '\u{f8fd}'),
    ] {
        let uses = find(source, &given(&[("A", value)]));
        assert_eq!(uses.placeholder, expected, "{source:?}");
    }
}
