//! A mapping as words. Only what keys need is told apart.

/// A part of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    /// A text in quotes, without them.
    Quoted(&'a str),
    Sign(char),
    LineEnd,
}

/// A part, and the offset of its content in the mapping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub(super) token: Token<'a>,
    pub(super) at: usize,
}

/// The parts of a mapping, without comments and blanks.
pub(super) fn tokens(mapping: &str) -> Vec<Placed<'_>> {
    let mut tokens = Vec::new();
    let mut rest = mapping;
    while let Some(next) = rest.chars().next() {
        let at = mapping.len() - rest.len();
        let (token, at, length) = match next {
            '#' => {
                rest = rest.find('\n').map_or("", |end| &rest[end..]);
                continue;
            }
            '"' => {
                let (inner, skipped) = quoted(rest);
                let quotes = if rest.starts_with("\"\"\"") { 3 } else { 1 };
                (Token::Quoted(inner), at + quotes, skipped)
            }
            '\n' if ends_line(&tokens) => {
                rest = &rest[1..];
                continue;
            }
            '\n' => (Token::LineEnd, at, 1),
            _ if is_part(next) => {
                let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
                (Token::Word(&rest[..end]), at, end)
            }
            _ if next.is_whitespace() => {
                rest = &rest[next.len_utf8()..];
                continue;
            }
            _ => (Token::Sign(next), at, next.len_utf8()),
        };
        tokens.push(Placed { token, at });
        rest = rest.get(length..).unwrap_or_default();
    }
    tokens
}

/// Many line ends are one.
fn ends_line(tokens: &[Placed<'_>]) -> bool {
    tokens.last().is_some_and(|it| it.token == Token::LineEnd)
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The content of the text that it begins with, and its length with the quotes.
fn quoted(text: &str) -> (&str, usize) {
    if let Some(inner) = text.strip_prefix("\"\"\"") {
        let end = inner.find("\"\"\"").unwrap_or(inner.len());
        return (&inner[..end], (end + 6).min(text.len()));
    }
    let mut is_escaped = false;
    for (place, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return (&text[1..place], place + 1),
            _ => {}
        }
    }
    (&text[1..], text.len())
}
