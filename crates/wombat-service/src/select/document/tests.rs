//! Trees from texts.

use super::*;

fn read(source: &str) -> Result<YamlDocuments, Unreadable> {
    let mut text = Text::from_parts_of(source);
    text.copy(0..source.len());
    YamlDocuments::read(&text, '\u{f8ff}', &mut Effort::of_texts(1))
}

fn documents(source: &str) -> YamlDocuments {
    read(source).unwrap_or_else(|failure| panic!("{source:?}: {failure:?}"))
}

/// Why a text can't be read, after line and column.
fn failure(source: &str) -> String {
    let Some(Unreadable { at, problem, .. }) = read(source).err() else {
        panic!("{source:?} can be read");
    };
    format!("{}:{} {problem}", at.line, at.column)
}

/// A node as JSON, nearly.
fn shown(documents: &YamlDocuments, id: NodeId) -> String {
    match documents.value(id) {
        Value::Scalar { text, plain: true } => text.clone(),
        Value::Scalar { text, plain: false } => format!("{text:?}"),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|it| shown(documents, *it)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(entries) => {
            let entry = |it: &Entry| {
                let alias = if it.by_alias { "*" } else { "" };
                let (key, value) = (shown(documents, it.key), shown(documents, it.value));
                format!("{key}:{alias}{value}")
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

fn tree(source: &str) -> String {
    let documents = documents(source);
    let roots: Vec<String> = documents
        .roots
        .iter()
        .map(|it| shown(&documents, *it))
        .collect();
    roots.join(" --- ")
}

#[test]
fn everything_knows_where_it_stands() {
    let documents = documents("a:\n  - b: 1\n---\nc: \"2\"\n");
    assert_eq!(documents.roots.len(), 2);
    let list = documents.get(documents.roots[0], "a").unwrap();
    let Value::List(items) = documents.value(list) else {
        panic!("a list");
    };
    let value = documents.get(items[0], "b").unwrap();
    assert_eq!(documents.text(value), Some("1"));
    assert_eq!(documents.position(value), Position { line: 2, column: 8 });
    assert_eq!(
        documents.written(documents.get(documents.roots[1], "c").unwrap()),
        "\"2\""
    );
}

#[test]
fn words_of_scalars_are_found_as_they_were_written() {
    let place = |source: &str, word: &str| {
        let documents = documents(source);
        let value = documents.get(documents.roots[0], "a").unwrap();
        let at = documents.text(value).unwrap().rfind(word).unwrap();
        let range = documents.range_of(value, at, word);
        let Position { line, column } = documents.source().position(range.start);
        (line, column)
    };
    assert_eq!(place("a: x y\n", "y"), (1, 6));
    assert_eq!(place("é: 1\na: \"é y\"\n", "y"), (2, 7));
    assert_eq!(place("a: |\n    x\n      y x\n", "x"), (3, 9));
    assert_eq!(place("a: >\n  x\n  x\n\n  x y\n", "y"), (5, 5));
    assert_eq!(place("x: x\na: \n  x\n", "x"), (3, 3));
}

#[test]
fn texts_are_read_as_yaml_v3_reads_them() {
    for (source, expected) in [
        ("[a:]", "[a:]"),
        ("{a:: b, c:?: d}", "!"),
        ("{a:: b}", "{a::b}"),
        ("a: \"it\\'s\"", "{a:\"it's\"}"),
        ("a: ''|\n 0", "!"),
        ("a:\n|\n", "{a:\"\"}"),
        ("# x\n\t# y\n\n \t# z\na: b", "{a:b}"),
        ("a: b # x\n\t# y\nc: d", "!"),
        ("a: |\n  b", "{a:\"b\\n\"}"),
        ("a: |", "{a:\"\"}"),
        ("a: {\n  b: 1\n}\nc: [\n1\n]", "{a:{b:1},c:[1]}"),
        ("a: 'b\n c\n\nd'", "{a:\"b c\\nd\"}"),
        ("a: b\u{85}c: d", "{a:b,c:d}"),
        ("a: 'b\u{2028}c'", "{a:\"b\\u{2028}c\"}"),
        ("\u{feff}a: b", "{a:b}"),
        ("a: \u{feff}b", "{a:\u{feff}b}"),
        ("%YAML 1.1\n--- a", "a"),
        ("a: &x [1]\nb: *x", "{a:[1],b:*[1]}"),
        ("<<: &x {a: 1}\n\"<<\": 1", "{<<:{a:1},\"<<\":1}"),
        ("[!x , a]", "[,a]"),
        ("a: \"!x,\"\nb: !x,y", "!"),
        ("a: \"!x,\" # !y,", "{a:\"!x,\"}"),
        ("a?b: [c]", "{a?b:[c]}"),
        ("? a\n: b", "{a:b}"),
    ] {
        if expected == "!" {
            assert!(read(source).is_err(), "{source:?}");
        } else {
            assert_eq!(tree(source), expected, "{source:?}");
        }
    }
}

#[test]
fn what_yaml_v3_refuses_is_named_with_its_place() {
    for (source, expected) in [
        (
            "a: \"b\\/c\"",
            "1:6 The YAML can't be read here: `\\/` is no escape",
        ),
        (
            "%YAML 1.2\n--- a",
            "1:1 The YAML can't be read here: only `%YAML 1.1`",
        ),
        (
            "a: [b?c]",
            "1:6 The YAML can't be read here: put text with `?` in quotes",
        ),
        ("a: [http://b/?c]", "1:14 "),
        (
            "a: [!,",
            "1:6 The YAML can't be read here: did not find expected whitespace",
        ),
        (
            "a: [!x, b]",
            "1:7 The YAML can't be read here: did not find expected whitespace",
        ),
        (
            "a: [b,\n{c: d\n\n",
            "2:1 The YAML can't be read here: did not find expected ',' or '}'.",
        ),
        ("a: b\n\t\nc: d", "2:1 The YAML can't be read here"),
        ("a:\n- \tb", "2:3 The YAML can't be read here"),
        ("a: \"\u{7}\"", "1:5 The control character U+0007"),
        ("é: 1\na: \u{7f}", "2:4 The control character U+007F"),
        ("a: 1\n\u{feff}b: 2", "2:1 A byte order mark"),
        ("a\0:\0", "1:2 The text has zero bytes, as UTF-16"),
        ("a: 1\n b: 2", "2:"),
        (
            "a: \"b\nc: d\n",
            "1:4 The YAML can't be read here: found unexpected end of stream.",
        ),
        (
            "a: b: c",
            "1:5 The YAML can't be read here: mapping values are not allowed",
        ),
        ("a: *b", "1:4 This alias refers to no complete value"),
        ("a: &a [*a]", "1:8 This alias refers to no complete value"),
        ("a: @b", "1:4 "),
        ("\u{feff}a: \"\\/\"", "1:5 "),
    ] {
        let failure = failure(source);
        assert!(failure.starts_with(expected), "{source:?}: {failure}");
    }
}

#[test]
fn aliases_copy_nothing() {
    let bomb: String = std::iter::once("a0: &a0 [x, x]\n".to_owned())
        .chain((1..60).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)))
        .collect();
    assert!(documents(&bomb).nodes.len() < 200);
}

#[test]
fn limits_are_named_with_their_numbers() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(MAX_DEPTH)).is_ok());
    let deep = failure(&nested(MAX_DEPTH + 2));
    assert!(deep.contains("at most 256 deep"), "{deep}");
    let many = failure(&"- a\n".repeat(60_000));
    assert!(many.contains("at most 50000 values"), "{many}");
}

#[test]
fn unclosed_brackets_take_no_time() {
    let start = std::time::Instant::now();
    for text in [
        "[".repeat(65_536),
        "{".repeat(65_536),
        "[{".repeat(32_768),
        "- ".repeat(32_768),
    ] {
        assert!(read(&text).is_err());
    }
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
