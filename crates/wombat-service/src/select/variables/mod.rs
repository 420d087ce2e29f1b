//! Variables, as Benthos replaces them: in the text, before its YAML is read.
//!
//! `${NAME}` and `${NAME:default}` are replaced by a value, once; `${{NAME}}` becomes the text `${NAME}`. Values and
//! defaults are one line each: a line break in them becomes `\n`. What has no value stays open (*placeholders*).

mod placeholders;

use std::{collections::BTreeSet, ops::Range, sync::LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use regex::Regex;
use wombat_model::{Secret, names::MAX_VARIABLES, wire::Variables};

use super::text::{Origin, Text, UseId};
pub(super) use placeholders::{Form, first_form};

/// Benthos' own patterns.
static USE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$\{[0-9A-Za-z_.]+(:((\$\{[^}]+\})|[^}])*)?(?:\|[0-9A-Za-z]+)?\}")
        .expect("the pattern of variables is a regular expression")
});
static ESCAPED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$\{(\{[0-9A-Za-z_.]+(:((\$\{[^}]+\})|[^}])*)?\})\}")
        .expect("the pattern of escapes is a regular expression")
});

/// Most mistakes that are reported.
const MOST_MISTAKES: usize = 100;
/// Largest text after its variables are replaced, in bytes.
const MAX_REPLACED: usize = 1024 * 1024;

/// The value of a variable at one place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UsedValue {
    /// It came with the question, and is never shown.
    Given(Secret),
    Default(String),
    Unknown,
}

/// A place where a variable is named.
#[derive(Debug)]
pub(super) struct VariableUse {
    pub(super) name: String,
    /// As it is written.
    pub(super) default: Option<String>,
    /// Range in the source, from `${` to `}`.
    pub(super) source: Range<usize>,
    pub(super) value: UsedValue,
}

/// Something wrong with a variable, and its offset in the source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VariableMistake {
    pub(super) offset: usize,
    pub(super) message: String,
}

/// What all texts of a question may have together.
#[derive(Debug)]
pub(super) struct VariableBudget {
    /// Names of variables so far.
    names: BTreeSet<String>,
    /// Bytes that the texts may still have after their variables are replaced.
    room: usize,
}

impl Default for VariableBudget {
    fn default() -> Self {
        Self {
            names: BTreeSet::new(),
            room: MAX_REPLACED,
        }
    }
}

/// All uses of variables in a text, in order.
#[derive(Debug)]
pub(super) struct VariableUses {
    pub(super) all: Vec<VariableUse>,
    pub(super) mistakes: Vec<VariableMistake>,
    /// A character that neither the text nor a value has; it stands for an unknown value.
    pub(super) placeholder: char,
    /// Largest text that they may be replaced in.
    room: usize,
}

impl VariableUses {
    pub(super) fn find(source: &str, given: &Variables, budget: &mut VariableBudget) -> Self {
        let mut uses = Vec::new();
        let mut mistakes = Vec::new();
        let names = &mut budget.names;
        for found in USE.find_iter(source) {
            let (name, default, decoder) = parts(found.as_str());
            let mut mistake = |message| {
                if mistakes.len() < MOST_MISTAKES {
                    let offset = found.start();
                    mistakes.push(VariableMistake { offset, message });
                }
            };
            if !names.contains(name) && names.len() <= MAX_VARIABLES {
                names.insert(name.to_owned());
                if names.len() > MAX_VARIABLES {
                    mistake(format!(
                        "A pipeline has at most {MAX_VARIABLES} variables, all of its files together."
                    ));
                }
            }
            let value = value_of(given.get(name), default);
            let value = decoded(value, decoder).unwrap_or_else(|problem| {
                mistake(format!("`{}`: {problem}", shortened(found.as_str())));
                UsedValue::Unknown
            });
            uses.push(VariableUse {
                name: name.to_owned(),
                default: default.map(str::to_owned),
                source: found.range(),
                value,
            });
        }
        let placeholder = unused_character(source, &uses);
        let found = Self {
            all: uses,
            mistakes,
            placeholder,
            room: budget.room,
        };
        // A text that is too large takes no room.
        if let Some(room) = found.room.checked_sub(found.size(source)) {
            budget.room = room;
        }
        found
    }

    /// None: in a text that isn't replaced.
    pub(super) fn none() -> Self {
        Self {
            all: Vec::new(),
            mistakes: Vec::new(),
            placeholder: any_placeholder(),
            room: 0,
        }
    }

    /// Bytes of the text with all values in it, at most.
    fn size(&self, source: &str) -> usize {
        let values = self.all.iter().map(|it| match &it.value {
            UsedValue::Given(value) => value.reveal().len(),
            UsedValue::Default(value) => value.len(),
            UsedValue::Unknown => Form::LONGEST,
        });
        source.len() + values.sum::<usize>()
    }

    /// The text with all values in it. Unknown ones are written in these forms. `None`: it is too large.
    pub(super) fn replaced(&self, source: &str, forms: &[Form]) -> Option<Text> {
        if self.size(source) > self.room {
            return None;
        }
        let mut text = Text::from_parts_of(source);
        let mut at = 0;
        for (number, used) in self.all.iter().enumerate() {
            text.copy(at..used.source.start);
            let open;
            let value = match &used.value {
                UsedValue::Given(value) => value.reveal(),
                UsedValue::Default(value) => value,
                UsedValue::Unknown => {
                    open = forms[number].written(self.placeholder);
                    &open
                }
            };
            text.insert(value, used.source.clone(), Origin::Use(UseId(number)));
            at = used.source.end;
        }
        text.copy(at..source.len());
        Some(without_escapes(text))
    }

    /// The message about a text that is too large.
    pub(super) fn too_large() -> String {
        format!(
            "After its variables are replaced, a pipeline has at most {} KiB, all of its files together.",
            MAX_REPLACED / 1024
        )
    }
}

/// Name, default and decoder of `${NAME:default|decoder}`. Benthos takes what follows the last `|` for a decoder.
fn parts(found: &str) -> (&str, Option<&str>, &str) {
    let inner = &found[2..found.len() - 1];
    let split = |text| str::rsplit_once(text, '|').unwrap_or((text, ""));
    match inner.split_once(':') {
        None => {
            let (name, decoder) = split(inner);
            (name, None, decoder)
        }
        Some((name, rest)) => {
            let (default, decoder) = split(rest);
            (name, Some(default), decoder)
        }
    }
}

/// An empty value doesn't count where there is a default.
fn value_of(given: Option<&str>, default: Option<&str>) -> UsedValue {
    match (given, default) {
        (Some(given), None) => UsedValue::Given(Secret::new(given)),
        (Some(given), Some(_)) if !given.is_empty() => UsedValue::Given(Secret::new(given)),
        (_, Some(default)) => UsedValue::Default(default.to_owned()),
        (None, None) => UsedValue::Unknown,
    }
}

fn decoded(value: UsedValue, decoder: &str) -> Result<UsedValue, String> {
    let decode = |text: &str| match decoder {
        "" => Ok(in_one_line(text)),
        "base64decode" => {
            let encoded: Vec<u8> = text.bytes().filter(|it| !b"\r\n".contains(it)).collect();
            let bytes = STANDARD.decode(encoded).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            text.as_deref()
                .map(in_one_line)
                .ok_or_else(|| "the value isn't text in base64.".to_owned())
        }
        other => Err(format!(
            "what follows the last `|` is taken for a decoder, and there is no decoder `{}`; the only one is `base64decode`.",
            shortened(other)
        )),
    };
    Ok(match value {
        UsedValue::Given(value) => UsedValue::Given(Secret::new(decode(value.reveal())?)),
        UsedValue::Default(value) => UsedValue::Default(decode(&value)?),
        UsedValue::Unknown => {
            if decoder != "base64decode" {
                decode("")?;
            }
            UsedValue::Unknown
        }
    })
}

fn in_one_line(value: &str) -> String {
    value.replace('\n', "\\n")
}

/// Takes the inner brackets of `${{NAME}}` away.
fn without_escapes(text: Text) -> Text {
    let found = ESCAPED.find_iter(text.as_str());
    let edits: Vec<(Range<usize>, &str)> = found
        .flat_map(|found| [found.start() + 2, found.end() - 1])
        .map(|at| (at..at + 1, ""))
        .collect();
    if edits.is_empty() {
        return text;
    }
    text.edited(&edits)
}

/// A character for texts without unknown values.
pub(super) fn any_placeholder() -> char {
    *PRIVATE.end()
}

/// A character for private use that occurs nowhere.
fn unused_character(source: &str, uses: &[VariableUse]) -> char {
    let values = uses.iter().filter_map(|it| match &it.value {
        UsedValue::Given(value) => Some(value.reveal()),
        UsedValue::Default(_) | UsedValue::Unknown => None,
    });
    let taken: BTreeSet<char> = values
        .chain([source])
        .flat_map(str::chars)
        .filter(|it| PRIVATE.contains(it))
        .collect();
    let unused = PRIVATE.rev().find(|it| !taken.contains(it));
    unused.unwrap_or(*PRIVATE.end())
}

/// Characters without a meaning, which YAML allows in any text.
const PRIVATE: std::ops::RangeInclusive<char> = '\u{e000}'..='\u{f8ff}';

/// Characters of a variable that are shown.
const SHOWN: usize = 64;

/// A part of the source as it is shown.
pub(super) fn shortened(source: &str) -> String {
    let mut characters = source.chars();
    let short: String = characters.by_ref().take(SHOWN).collect();
    let end = if characters.next().is_some() {
        "…"
    } else {
        ""
    };
    format!("{}{end}", short.escape_debug())
}

#[cfg(test)]
mod tests;
