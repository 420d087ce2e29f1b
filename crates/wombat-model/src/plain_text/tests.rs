use serde::Deserialize;

use super::*;

/// A text of a stranger, and what of it may be shown.
#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    input: String,
    /// Instead of `input`, bytes that aren't UTF-8.
    #[serde(default)]
    hex: String,
    /// On one line.
    line: String,
    /// On several lines, if that differs.
    lines: Option<String>,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        if self.hex.is_empty() {
            self.input.clone().into_bytes()
        } else {
            hex::decode(&self.hex).unwrap()
        }
    }
}

fn corpus() -> Vec<Case> {
    serde_json::from_str(include_str!("corpus.json")).unwrap()
}

#[test]
fn texts_of_strangers_are_only_text() {
    let corpus = corpus();
    assert_eq!(corpus.len(), 60);
    for case in &corpus {
        let name = &case.name;
        let bytes = case.bytes();
        assert_eq!(plain_line(&bytes), case.line, "{name}");
        let text = String::from_utf8_lossy(&bytes);
        let lines = case.lines.as_ref().unwrap_or(&case.line);
        assert_eq!(plain(&text, Form::Lines), **lines, "{name}");
    }
}

#[test]
fn a_plain_text_stays_as_it_is() {
    for case in corpus() {
        let bytes = case.bytes();
        let text = String::from_utf8_lossy(&bytes);
        for form in [Form::Line, Form::Lines, Form::Page] {
            let once = plain(&text, form);
            assert_eq!(plain(&once, form), once, "{} as {form:?}", case.name);
            let json = serde_json::to_string(&*once).unwrap();
            assert!(
                !once.contains(|it: char| it.is_control() && !"\n\t".contains(it)),
                "{json}"
            );
        }
    }
}

/// Two texts beside each other make no control where neither had one.
#[test]
fn texts_can_be_joined() {
    let corpus = corpus();
    for first in &corpus {
        for second in &corpus {
            let bytes = [first.bytes(), second.bytes()].concat();
            let once = plain_line(&bytes);
            assert_eq!(plain_line(once.as_bytes()), once);
        }
    }
}

#[test]
fn long_lines_are_cut_at_a_character() {
    let long = "ü".repeat(MAX_LINE);
    for form in [Form::Line, Form::Lines] {
        let cut = plain(&long, form);
        assert!(
            cut.len() <= MAX_LINE && cut.ends_with("ü…"),
            "{}",
            cut.len()
        );
        assert_eq!(plain(&cut, form), cut);
    }
    assert_eq!(plain(&long, Form::Page), long);
    let ascii = "x".repeat(MAX_LINE + 1);
    let two = format!("{ascii}\nshort\n{ascii}");
    let cut = plain(&two, Form::Lines);
    let sizes: Vec<usize> = cut.lines().map(str::len).collect();
    assert_eq!(sizes, [MAX_LINE, 5, MAX_LINE]);
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}".repeat(MAX_LINE / 10);
    let cut = plain(&family, Form::Line);
    assert_eq!(plain(&cut, Form::Line), cut);
}

#[test]
fn a_text_is_shortened_within_its_limit() {
    assert_eq!(shortened("abc", 3), "abc");
    assert_eq!(shortened("abcdef", 5), "ab…");
    assert_eq!(shortened("äöü", 5), "ä…");
    assert_eq!(
        shortened("\u{1f468}\u{200d}\u{1f469}\u{200d}x", 12),
        "\u{1f468}…"
    );
}

#[test]
fn a_page_keeps_tabs_and_json_keeps_its_value() {
    assert_eq!(plain("a\tb\u{1b}[1m\r\n", Form::Page), "a\tb\n");
    let value = serde_json::json!({"a": "x\u{9b}31m\u{202e}\u{e0041}\u{feff}é\n"});
    for json in [value.to_string(), format!("{value:#}")] {
        let safe = plain_json(&json);
        assert_eq!(plain(&safe, Form::Page), safe);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
    }
    assert!(matches!(plain_json("{\"é\": 1}\n"), Cow::Borrowed(_)));
}
