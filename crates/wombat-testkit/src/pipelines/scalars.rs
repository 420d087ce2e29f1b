//! Scalars as YAML.

use std::fmt::Write as _;

use super::{
    random::Random,
    style::Style,
    tree::{Scalar, ScalarRole},
};

/// A text as a block of lines, after a colon; `None` if it can't be one, or isn't this time.
pub(super) fn block(
    scalar: &Scalar,
    columns: usize,
    style: Style,
    random: &mut Random,
) -> Option<String> {
    let text = &scalar.text;
    let has_lines = text.contains('\n');
    let is_suitable = scalar.is_text
        && !text.is_empty()
        && !text.starts_with([' ', '\n', '\t'])
        && !text.contains(['\t', '\r'])
        && !text.ends_with("\n\n")
        && text.lines().all(|line| line.trim_end() == line)
        && style != Style::QuotedLines;
    if !is_suitable || !(has_lines && random.chance(80) || random.chance(4)) {
        return None;
    }
    let head = if text.ends_with('\n') {
        " |\n"
    } else {
        " |-\n"
    };
    let mut out = head.to_owned();
    for line in text.lines() {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', columns));
            out.push_str(line);
        }
        out.push('\n');
    }
    Some(out)
}

/// A scalar. Continued lines begin at this column.
pub(super) fn written(
    scalar: &Scalar,
    is_flow: bool,
    columns: usize,
    style: Style,
    random: &mut Random,
) -> String {
    let text = &scalar.text;
    if !scalar.is_text {
        return text.clone();
    }
    if style == Style::Json {
        return in_json(text);
    }
    let may_be_single = !text.contains(['\n', '\t', '\r']);
    if style == Style::QuotedLines && scalar.role != ScalarRole::Label {
        let folded = format!("\n{}", " ".repeat(columns));
        return if may_be_single && random.chance(50) {
            format!("'{}'", over_lines(&text.replace('\'', "''"), &folded))
        } else {
            over_lines(&in_json(text), &folded)
        };
    }
    if is_plain(text, is_flow) && !random.chance(15) {
        return text.clone();
    }
    if may_be_single && random.chance(60) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    in_json(text)
}

/// Breaks lines at single spaces, where they are read as one.
fn over_lines(text: &str, line_break: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() * 2);
    let mut last = 0;
    for at in 1..bytes.len().saturating_sub(1) {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric();
        if bytes[at] == b' ' && is_word(bytes[at - 1]) && is_word(bytes[at + 1]) {
            out.push_str(&text[last..at]);
            out.push_str(line_break);
            last = at + 1;
        }
    }
    out.push_str(&text[last..]);
    out
}

/// A scalar as the default of a variable, or with a variable in it.
pub(super) fn with_variable(scalar: &Scalar, number: usize, random: &mut Random) -> Option<String> {
    let Scalar {
        text,
        is_text,
        role,
    } = scalar;
    if !is_text {
        let is_word = text
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b".-".contains(&it));
        return is_word.then(|| format!("${{NUMBER{number}:{text}}}"));
    }
    if !is_word(text) || matches!(role, ScalarRole::Mapping) {
        return None;
    }
    Some(match random.below(4) {
        0 => format!("${{TEXT{number}:{text}}}"),
        1 => format!("\"${{TEXT{number}:{text}}}\""),
        2 => format!("'${{TEXT{number}:{text}}}'"),
        _ if *role == ScalarRole::Value => format!("\"${{OPEN{number}}}{text}\""),
        _ => return None,
    })
}

/// Whether a text may stand anywhere without quotes, also as a default.
pub(super) fn is_word(text: &str) -> bool {
    let is_plain_word = text.starts_with(|it: char| it.is_ascii_lowercase())
        && text
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
    is_plain_word && !is_special(text)
}

/// Whether a text needs no quotes.
pub(super) fn is_plain(text: &str, is_flow: bool) -> bool {
    let is_allowed = |it: u8| {
        it.is_ascii_alphanumeric() || b"_./-".contains(&it) || (!is_flow && b"@+=()$".contains(&it))
    };
    let mut words = text.split(' ');
    text.starts_with(|it: char| it.is_ascii_alphabetic())
        && words.all(|word| !word.is_empty() && word.bytes().all(is_allowed))
        && !is_special(text)
}

/// Words that aren't texts without quotes.
fn is_special(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    matches!(
        word.as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "nan" | "inf"
    )
}

/// A text in double quotes.
pub(super) fn in_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if u32::from(other) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
