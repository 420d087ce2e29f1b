//! What is checked and changed before a text is parsed.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{
    super::text::Text,
    failure::{Failure, PANICKED},
};

/// A tag before a comma: the parser panics unless this is part of a text.
static TAG_AND_COMMA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"![^\s,\[\]{}"']*,"#).expect("the pattern of tags is a regular expression")
});
/// The same with quotes in it. They are much more often the end of a text, so this is tried last.
static QUOTES_AND_COMMA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"![^\s,\[\]{}]*,").expect("the pattern of tags is a regular expression")
});

/// Characters that no text has; YAML allows them. One ends a tag, so that the parser refuses the comma after it.
const TAG_END: &str = "\u{1fffe}";
/// The other stands for a colon that belongs to a text.
const COLON: &str = "\u{1ffff}";

/// A text that the parser can take.
pub(super) struct Prepared {
    pub(super) text: Text,
    is_respelled: bool,
    /// Nothing else is tried against panics.
    is_last: bool,
}

impl Prepared {
    pub(super) fn new(text: &Text) -> Result<Self, Failure> {
        check_characters(text)?;
        let mut edits = ends_of_tags(&TAG_AND_COMMA, text);
        let is_respelled = !edits.is_empty();
        // A block at the very end needs a line break.
        let end = text.as_str().len();
        edits.push((end..end, "\n"));
        Ok(Self {
            text: text.edited(&edits),
            is_respelled,
            is_last: false,
        })
    }

    /// The same with what yaml.v3 reads, and the parser doesn't, in another spelling.
    pub(super) fn respelled(&self, failure: &Failure) -> Option<Self> {
        if failure.problem == PANICKED && !self.is_last {
            let edits = ends_of_tags(&QUOTES_AND_COMMA, &self.text);
            return Some(Self {
                text: self.text.edited(&edits),
                is_respelled: true,
                is_last: true,
            });
        }
        let (before, rest) = self.text.as_str().split_at_checked(failure.offset)?;
        let (length, spelling) = match failure.problem.as_str() {
            "found unknown escape character" if rest.starts_with("\\'") => (2, "\\x27".to_owned()),
            "found unexpected ':'" if rest.starts_with(':') => (1, COLON.to_owned()),
            "found character that cannot start any token" => {
                let length = blanks_of_comment(before, rest)?;
                (length, " ".repeat(length))
            }
            _ => return None,
        };
        let range = failure.offset..failure.offset + length;
        Some(Self {
            text: self.text.edited(&[(range, &spelling)]),
            is_respelled: true,
            is_last: self.is_last,
        })
    }

    /// The value of a scalar without the other spelling.
    pub(super) fn as_written(&self, value: String) -> String {
        if self.is_respelled {
            return value.replace(TAG_END, "").replace(COLON, ":");
        }
        value
    }
}

/// Where tags end before commas, and what stands there for the parser.
fn ends_of_tags(pattern: &Regex, text: &Text) -> Vec<(Range<usize>, &'static str)> {
    let found = pattern.find_iter(text.as_str());
    found
        .map(|found| (found.end() - 1..found.end() - 1, TAG_END))
        .collect()
}

/// Length of the blanks before a comment that follows another one: these may have tabs.
fn blanks_of_comment(before: &str, rest: &str) -> Option<usize> {
    let comment = rest.trim_start_matches([' ', '\t']);
    let mut lines = before.lines().rev().filter(|line| !line.trim().is_empty());
    let is_next = lines.next()?.trim_start().starts_with('#');
    (is_next && comment.starts_with('#')).then_some(rest.len() - comment.len())
}

/// What yaml.v3 refuses in any text. A value is no part of a message.
fn check_characters(text: &Text) -> Result<(), Failure> {
    let mut is_line_start = false;
    for (at, character) in text.as_str().char_indices() {
        match character {
            '\0' => {
                let problem = "The text has zero bytes, as UTF-16 has; save it as UTF-8.";
                return Err(Failure::new(at, problem));
            }
            '\t' | '\n' | '\r' | '\u{85}' => {}
            '\u{1}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                let name = if text.uses_in(&(at..at + 1)).is_empty() {
                    format!("The control character U+{:04X}", u32::from(character))
                } else {
                    "A control character".to_owned()
                };
                return Err(Failure::new(at, format!("{name} isn't allowed in YAML.")));
            }
            '\u{feff}' if is_line_start => {
                let problem = "A byte order mark is allowed only at the beginning of a text.";
                return Err(Failure::new(at, problem));
            }
            _ => {}
        }
        is_line_start = matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    }
    Ok(())
}
