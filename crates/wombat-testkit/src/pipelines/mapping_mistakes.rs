//! One mistake in a mapping.

use super::random::Random;

/// Statements with a mistake, and what it is.
const STATEMENTS: [(&str, &str); 43] = [
    ("root.w = nosuchfunction()", "unknown function"),
    ("root.w = this.nosuchmethod()", "unknown method"),
    ("root.w = this.a.uppercas()", "unknown method"),
    ("root.w = this.a.replace_all(\"a\")", "missing argument"),
    ("root.w = random_int(1, 2, 3, 4)", "too many arguments"),
    ("root.w = this.a.uppercase(1)", "too many arguments"),
    (
        "root.w = this.a.replace_all(old: \"a\", young: \"b\")",
        "unknown argument",
    ),
    (
        "root.w = this.a.replace_all(old: \"a\", \"b\")",
        "mixed arguments",
    ),
    (
        "root.w = this.a.replace_all(old: \"a\", old: \"b\", new: \"c\")",
        "argument twice",
    ),
    (
        "root.w = this.a.replace_all(1, \"b\")",
        "argument of wrong type",
    ),
    ("root.w = this.a.slice(\"x\")", "argument of wrong type"),
    ("root.w = this.a.split([])", "argument of wrong type"),
    ("root.w = this.a.join(true)", "argument of wrong type"),
    ("root.w = (this.a", "open bracket"),
    ("root.w = this.a)", "stray bracket"),
    ("root.w = [this.a", "open bracket"),
    ("root.w = {\"a\": 1", "open brace"),
    ("root.w = {a: 1}}", "stray brace"),
    ("root.w = \"text", "open quote"),
    ("root.w = \"\"\"text", "open quotes"),
    ("root.w = \"te\\qxt\"", "unknown escape"),
    ("root.w = 'text'", "single quotes"),
    ("root.w = ", "no value"),
    ("root.w =1", "no space"),
    ("root.w= 1", "no space"),
    ("root.w 1", "no equals sign"),
    ("root.w = 1 root.v = 2", "two statements on a line"),
    ("root.w = this.a +", "no right side"),
    ("root.w = this.a => 1", "unknown operator"),
    ("root.w = this.a & 1", "unknown operator"),
    ("root.w = this.a.", "no name after a dot"),
    ("root.w = this..a", "two dots"),
    ("root.w = if this.a { 1 } else 2", "no braces"),
    ("root.w = if { 1 }", "no condition"),
    ("root.w = match this.a { 1 -> 2 }", "wrong arrow"),
    ("root.w = match this.a", "no cases"),
    (
        "root.w = this.a.map_each(x -> x.map_each(x -> x))",
        "name twice",
    ),
    ("root.w = this.a.map_each(this -> this)", "reserved name"),
    ("map w {\n  meta a = 1\n}", "metadata in a map"),
    ("map w {\n  map v {\n    root = 1\n  }\n}", "map in a map"),
    ("map w { root = 1 }\nmap w { root = 2 }", "map twice"),
    ("let = 1", "no name"),
    ("root.w = 99999999999999999999", "too large a number"),
];

/// Puts a mistake into a mapping and names it.
pub(super) fn plant(mapping: &str, random: &mut Random) -> (String, &'static str) {
    let (statement, what) = *random.pick(&STATEMENTS);
    let text = match random.below(3) {
        0 => statement.to_owned(),
        1 => format!("{statement}\n{mapping}"),
        _ => format!("{}\n{statement}", mapping.trim_end()),
    };
    (text, what)
}
