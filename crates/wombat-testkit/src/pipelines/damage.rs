//! One mistake in the YAML itself.

use super::{random::Random, style::Style};

/// Lines that can't be read, wherever a field may begin.
const LINES: [(&str, &str); 10] = [
    ("zz: [a, b\n", "open bracket"),
    ("zz: {a: b\n", "open brace"),
    ("zz: \"a\n", "open quote"),
    ("zz: *nowhere\n", "unknown alias"),
    ("\tzz: 1\n", "tab"),
    ("zz: a: b\n", "two colons"),
    ("- zz\n", "item beside fields"),
    ("zz: @a\n", "reserved character"),
    ("zz: `a`\n", "reserved character"),
    ("zz: \u{7}\n", "control character"),
];

/// What doesn't belong into brackets.
const PARTS: [(&str, &str); 6] = [
    (", \"zz\": [a", "open bracket"),
    (", \"zz\": \"a", "open quote"),
    (", \"zz\": *nowhere ", "unknown alias"),
    (", \"zz\": @a ", "reserved character"),
    (", \"zz\": ]", "wrong bracket"),
    (", \"zz\": \u{7}", "control character"),
];

/// Damages a text and says how.
pub(super) fn damage(text: &str, style: Style, random: &mut Random) -> (String, &'static str) {
    if style.is_in_brackets() || text.trim_start().starts_with('{') {
        let (part, what) = *random.pick(&PARTS);
        let end = text.rfind('}').unwrap_or(text.len());
        return (format!("{}{part}{}", &text[..end], &text[end..]), what);
    }
    let (line, what) = *random.pick(&LINES);
    (format!("{text}{line}"), what)
}
