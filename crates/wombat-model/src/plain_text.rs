//! Text of strangers, without anything but text: what a compiler, a module, a binary, a server or a request says must
//! not move a terminal's cursor, reorder or hide other text, or flood a page.
//!
//! [`plain`] is the only function that decides what may stay. The builder applies it before a text goes into a record, a
//! log or an answer, the service to what it repeats of a request, and the command line to what it prints.
//! [`LocalNames`] removes the names of the builder's machine.

mod characters;
pub(crate) mod json;
mod local_names;
mod sequence;

use std::{borrow::Cow, fmt::Write as _};

pub use local_names::LocalNames;

/// Longest line in bytes, with the `…` that marks the end of a cut one.
pub const MAX_LINE: usize = 4096;
/// Most marks such as accents on one letter; more of them would cover the lines above.
const MAX_MARKS: usize = 4;
/// What marks a cut text.
const CUT: char = '…';

/// How a text may be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// On one line of at most [`MAX_LINE`] bytes: line ends and tabs become spaces, and no space is at the end.
    Line,
    /// On several lines of at most [`MAX_LINE`] bytes each: every kind of line end becomes `\n`, tabs become spaces.
    Lines,
    /// As a program prints it: on lines of any length, with tabs.
    Page,
}

/// The text without anything that isn't seen or that controls how other text is seen: control characters, terminal
/// sequences with all that they contain, marks of direction, and invisible characters. Words in every script and emoji
/// stay, with the joiners that they need. Characters that aren't any become U+FFFD.
///
/// Applied to its own result, it changes nothing.
pub fn plain(text: &str, form: Form) -> Cow<'_, str> {
    if is_plain_ascii(text, form) {
        return Cow::Borrowed(text);
    }
    let mut writer = Writer::new(form);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = sequence::after(rest) {
            rest = after;
            continue;
        }
        rest = &rest[character.len_utf8()..];
        let more = writer.put(character, rest);
        rest = &rest[more..];
    }
    Cow::Owned(writer.finish())
}

/// [`plain`] for one line of bytes that should be UTF-8.
pub fn plain_line(bytes: &[u8]) -> String {
    plain(&String::from_utf8_lossy(bytes), Form::Line).into_owned()
}

/// The beginning of a text that has more than `most` bytes, and `…`.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most.saturating_sub(CUT.len_utf8()));
    // What isn't seen belongs to what was cut off.
    let kept = text[..end].trim_end_matches(characters::is_hidden);
    Cow::Owned(format!("{kept}{CUT}"))
}

/// JSON without the characters that [`plain`] removes: as escapes, which are the same JSON.
pub fn plain_json(json: &str) -> Cow<'_, str> {
    let is_unsafe = |character: char| {
        character != '\n' && (character.is_control() || characters::is_hidden(character))
    };
    if !json.contains(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if is_unsafe(character) {
            // JSON escapes halves of a pair each.
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` can't fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Whether there is nothing to do, for the most common texts.
fn is_plain_ascii(text: &str, form: Form) -> bool {
    let is_fine = |byte: &u8| match byte {
        b' '..=b'~' => true,
        b'\n' => form != Form::Line,
        b'\t' => form == Form::Page,
        _ => false,
    };
    let fits = |line: &str| form == Form::Page || line.len() <= MAX_LINE;
    text.as_bytes().iter().all(is_fine)
        && text.split('\n').all(fits)
        && (form != Form::Line || !text.ends_with(' '))
}

/// The text so far.
struct Writer {
    form: Form,
    text: String,
    /// Where the last line begins.
    line: usize,
    /// Marks on the last letter.
    marks: usize,
}

impl Writer {
    fn new(form: Form) -> Self {
        Self {
            form,
            text: String::new(),
            line: 0,
            marks: 0,
        }
    }

    /// Writes a character, and returns the length of what it took from `rest`, which follows it.
    fn put(&mut self, character: char, rest: &str) -> usize {
        let next = || rest.chars().next();
        match character {
            // The line end follows.
            '\r' if rest.starts_with('\n') => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => self.end_line(),
            '\t' if self.form != Form::Page => self.push(' '),
            '\t' => self.push('\t'),
            character if character.is_control() => {}
            characters::NON_JOINER | characters::JOINER => {
                let last = self.text.chars().next_back();
                let joins = last.is_some_and(|last| {
                    last == characters::EMOJI_STYLE || characters::may_join(last)
                });
                if joins && next().is_some_and(characters::may_join) {
                    self.push(character);
                }
            }
            characters::TEXT_STYLE | characters::EMOJI_STYLE => {
                let last = self.text.chars().next_back();
                if last.is_some_and(|last| characters::has_styles(last, next())) {
                    self.push(character);
                }
            }
            characters::FLAG => {
                self.push(character);
                let tags = characters::flag_tags(rest);
                self.text.push_str(&rest[..tags]);
                return tags;
            }
            character if characters::is_hidden(character) => {}
            character if characters::is_mark(character) => {
                self.marks += 1;
                if self.marks <= MAX_MARKS {
                    self.text.push(character);
                }
            }
            character if characters::is_none(character) => self.push(char::REPLACEMENT_CHARACTER),
            character => self.push(character),
        }
        0
    }

    fn push(&mut self, character: char) {
        self.marks = 0;
        self.text.push(character);
    }

    fn end_line(&mut self) {
        self.marks = 0;
        if self.form == Form::Line {
            if !self.text.is_empty() && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
            return;
        }
        self.cut_line();
        self.text.push('\n');
        self.line = self.text.len();
    }

    fn cut_line(&mut self) {
        if self.form == Form::Page {
            return;
        }
        let line = &self.text[self.line..];
        if line.len() > MAX_LINE {
            let short = shortened(line, MAX_LINE).into_owned();
            self.text.replace_range(self.line.., &short);
        }
    }

    fn finish(mut self) -> String {
        if self.form == Form::Line {
            self.text.truncate(self.text.trim_end().len());
        }
        self.cut_line();
        self.text
    }
}

#[cfg(test)]
mod tests;
