//! Names, texts, numbers and blanks.

use super::cursor::{Cursor, Parsed};

impl<'a> Cursor<'a> {
    /// These characters exactly.
    pub(super) fn term(&mut self, term: &'static str) -> Parsed<()> {
        if !self.rest().starts_with(term) {
            return Err(self.expected(quoted(term)));
        }
        self.at += term.len();
        Ok(())
    }

    /// At least one character of a kind.
    fn run(&mut self, is_part: impl Fn(u8) -> bool, what: &'static str) -> Parsed<&'a str> {
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| is_part(*byte)).count();
        if length == 0 {
            return Err(self.expected(what));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    /// Spaces and tabs, at least one.
    pub(super) fn blanks(&mut self) -> Parsed<()> {
        self.run(|it| matches!(it, b' ' | b'\t'), "a space")?;
        Ok(())
    }

    /// Spaces and tabs, if any.
    pub(super) fn any_blanks(&mut self) {
        let _ = self.blanks();
    }

    /// The end of a line, which a comment may precede. A comment without a line break after it is none.
    pub(super) fn line_end(&mut self) -> Parsed<()> {
        let rest = self.rest();
        let length = if rest.starts_with('#') {
            rest.find('\n').map(|at| at + 1)
        } else if rest.starts_with("\r\n") {
            Some(2)
        } else {
            rest.starts_with('\n').then_some(1)
        };
        match length {
            Some(length) => {
                self.at += length;
                Ok(())
            }
            None => Err(self.expected("the end of the line")),
        }
    }

    /// Spaces, tabs, line breaks and comments, if any.
    pub(super) fn any_space(&mut self) {
        while self.blanks().is_ok() || self.line_end().is_ok() {}
    }

    /// A name of letters, digits and `_`.
    pub(super) fn name(&mut self, what: &'static str) -> Parsed<&'a str> {
        self.run(|it| it.is_ascii_alphanumeric() || it == b'_', what)
    }

    /// A name without capital letters.
    pub(super) fn small_name(&mut self, what: &'static str) -> Parsed<&'a str> {
        let is_part = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
        self.run(is_part, what)
    }

    /// A number; whether it is an integer isn't told apart.
    pub(super) fn number(&mut self) -> Parsed<()> {
        let at = self.at;
        let _ = self.term("-");
        let digits = self.run(|it| it.is_ascii_digit(), "a number")?;
        let end = self.at;
        let has_point = self.term(".").is_ok() && self.run(|it| it.is_ascii_digit(), "").is_ok();
        if !has_point {
            self.at = end;
            if digits.parse::<i64>().is_err() {
                return Err(self.wrong(at, "the number is too large"));
            }
        }
        Ok(())
    }

    /// A text between three quotes, in which nothing has a meaning.
    pub(super) fn raw_text(&mut self) -> Parsed<()> {
        let Some(inner) = self
            .rest()
            .strip_prefix("\"\"\"")
            .filter(|it| it.len() >= 3)
        else {
            return Err(self.expected("a text in quotes"));
        };
        let Some(end) = inner.find("\"\"\"") else {
            return Err(self.wrong(self.text.len(), "`\"\"\"` is missing at the end of a text"));
        };
        self.at += end + 6;
        Ok(())
    }

    /// A text between quotes.
    pub(super) fn quoted_text(&mut self) -> Parsed<&'a str> {
        let Some(inner) = self.rest().strip_prefix('"') else {
            return Err(self.expected("a text in quotes"));
        };
        let begin = self.at + 1;
        let mut characters = inner.char_indices();
        let mut wrong = None;
        while let Some((place, character)) = characters.next() {
            match character {
                '"' => {
                    if let Some((at, problem)) = wrong {
                        return Err(self.wrong(begin + at, problem));
                    }
                    self.at = begin + place + 1;
                    return Ok(&inner[..place]);
                }
                '\n' => {
                    wrong = wrong.or(Some((
                        place,
                        "a text in quotes ends on its line; write `\\n`",
                    )));
                }
                '\\' => {
                    let has_next = characters.next().is_some();
                    if has_next && !is_escape(&inner[place..]) {
                        wrong = wrong.or(Some((
                            place,
                            "this is no escape; write `\\\\` for a backslash",
                        )));
                    }
                }
                _ => {}
            }
        }
        Err(self.wrong(self.text.len(), "`\"` is missing at the end of a text"))
    }
}

/// Whether a text begins with an escape.
fn is_escape(text: &str) -> bool {
    let digits = |from: usize, count: usize, base: u32| {
        let digits = text.get(from..from + count)?;
        let value = u32::from_str_radix(digits, base).ok()?;
        (!digits.starts_with('+')).then_some(value)
    };
    let is_character = |value: u32| char::from_u32(value).is_some();
    match text.as_bytes().get(1) {
        Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' | b'"') => true,
        Some(b'x') => digits(2, 2, 16).is_some(),
        Some(b'u') => digits(2, 4, 16).is_some_and(is_character),
        Some(b'U') => digits(2, 8, 16).is_some_and(is_character),
        Some(b'0'..=b'7') => digits(1, 3, 8).is_some_and(|value| value < 256),
        Some(_) | None => false,
    }
}

fn quoted(term: &'static str) -> &'static str {
    match term {
        "(" => "`(`",
        ")" => "`)`",
        "{" => "`{`",
        "}" => "`}`",
        "[" => "`[`",
        "]" => "`]`",
        "=" => "`=`",
        "=>" => "`=>`",
        ":" => "`:`",
        "," => "`,`",
        _ => "something else",
    }
}
