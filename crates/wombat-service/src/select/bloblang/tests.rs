use std::sync::LazyLock;

use super::*;
use crate::select::tests::known_schemas;

static SCHEMAS: LazyLock<&Schemas> = LazyLock::new(known_schemas);

fn mapping(text: &str) -> Result<(), Unreadable> {
    let mut queries_left = MOST_QUERIES;
    Grammar::new(&SCHEMAS, &mut queries_left).mapping(text)
}

#[test]
fn mappings_are_read() {
    for text in [
        "",
        "root = this",
        "this.a.b",
        "  root.a.\"b c\".d = this.\"e f\"  \n\n# comment\nlet x = $y\nmeta = {}\nmeta a = 1\nmeta \"b c\" = @\n",
        "root = if this.a > 1 { \"x\" } else if !this.b { deleted() } else { null }",
        "root = match this.a { this == 1 => 2, \"b\" => [1, 2,], _ => {\"a\": 1,} }",
        "root = match {\n  this.a == \"x\" => 1 # why\n\n  _ => 2\n}",
        "map one { root = this }\nroot = this.apply(\"one\")\n",
        "root = this.a.map_each(x -> x.b | \"none\").filter(_ -> true)",
        "root.a = -this.b + -3 * 2.5 % 4 - (this.c)",
        "root = this.\n  a",
        "root = this.a.(b | c)",
        "root = \"\"\"raw \" \\q\n text\"\"\"",
        "root = \"\\n\\t\\\"\\\\\\u00e9\\x41\"",
        "if this.a {\n  root.b = 1\n} else if this.c { meta d = 2 } else {\n let e = 3\n}",
        "root = random_int(min: 1, max: 10)",
        "root = this.a.replace_all(old: \"a\", new: this.b)",
        "root = range(0, this.a.length())",
        "from \"./other.blobl\"",
        "import \"./other.blobl\"\nroot = this.apply(\"x\")",
        "root = this.a.nothing_like_it(1, 2)",
        "root.a.b = 1\r\nroot.c = 2\r\n",
        "null",
    ] {
        assert_eq!(mapping(text), Ok(()), "{text}");
    }
}

#[test]
fn what_cant_be_read_is_found_where_it_is() {
    for (text, at) in [
        ("root = ", "root = ".len()),
        ("root.a = (this.b", 16),
        ("root = this.a)", 13),
        ("root = \"a", 9),
        ("root = \"\\q\"", 8),
        ("root =1", 6),
        ("root.a = 1 root.b = 2", 11),
        ("root = this.a.", 14),
        ("root = if this.a { 1 } else 2", 28),
        ("root = match this.a", 19),
        ("root = uuid_v4(1)", 15),
        ("root = this.a.replace_all(\"a\")", 14),
        ("root = this.a.replace_all(1, \"b\")", 26),
        ("root = this.a.replace_all(old: \"a\", \"b\")", 14),
        ("root = this.a.replace_all(old: \"a\", young: \"b\")", 36),
        ("root = this.a.map_each(x -> x.map_each(x -> x))", 39),
        ("map a { meta b = 1 }", 8),
        ("map a { root = 1 }\nmap a { root = 2 }", 19),
        ("root = 99999999999999999999", 7),
        ("root = {1: 2}", 8),
        ("root = 1 # no end of the line", 9),
        ("match{ _ => 1 }", 5),
    ] {
        let found = mapping(text).map_err(|it| it.at);
        assert_eq!(found, Err(at), "{text}: {:?}", mapping(text));
    }
}

#[test]
fn mappings_within_texts_are_read() {
    let read = |text: &str| {
        let mut queries_left = MOST_QUERIES;
        Grammar::new(&SCHEMAS, &mut queries_left).interpolated(text)
    };
    for text in [
        "",
        "a $ b",
        "${!this.a}",
        "x ${! json(\"a\") } ${{! anything }}",
        "${! {\"a\": \"}\"} }",
    ] {
        assert_eq!(read(text), Ok(()), "{text}");
    }
    for text in [
        "${!}",
        "${! this.a",
        "${{! a }",
        "a ${! b c }",
        "${! nothing( }",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn what_takes_too_long_is_taken_for_valid() {
    // Each level is read twice: as the value that is matched, and as a case.
    let deep = format!(
        "root = {}1{}",
        "match { (".repeat(40),
        ") => 1 }".repeat(40)
    );
    assert_eq!(mapping(&deep), Ok(()));
    let deeper = format!("root = {}1", "(".repeat(1000));
    assert_eq!(mapping(&deeper), Ok(()));
}
