//! Parses a text with libyaml-safer.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use libyaml_safer::{Encoding, Error, EventData, Mark, Parser};

use super::{
    super::text::Text,
    Unreadable, YamlDocuments,
    builder::Builder,
    failure::{Failure, PANICKED},
    prepare::Prepared,
};

/// Most bytes that are parsed for one answer, beyond the first reading of its texts.
const MOST_AGAIN: usize = 1024 * 1024;
/// As many more for each text: many small ones may each have a few places that are spelled differently.
const FOR_EACH: usize = 16 * 1024;
/// Bytes whose parsing takes as long as the preparations for it.
const PREPARATION: usize = 4096;
/// Most places of a text that are spelled differently for the parser.
const MAX_RESPELLED: usize = 64;

/// How much may still be parsed for an answer.
#[derive(Debug)]
pub(crate) struct Effort(usize);

impl Effort {
    /// For an answer about this many texts.
    pub(crate) fn of_texts(number: usize) -> Self {
        Self(MOST_AGAIN + number * FOR_EACH)
    }

    fn spend(&mut self, parsed: usize) {
        self.0 = self.0.saturating_sub(parsed + PREPARATION);
    }

    /// Whether another reading may begin.
    pub(crate) fn is_left(&self) -> bool {
        self.0 > 0
    }
}

impl YamlDocuments {
    /// Reads a text in which a character stands for values that aren't known.
    pub(crate) fn read(
        text: &Text,
        placeholder: char,
        effort: &mut Effort,
    ) -> Result<Self, Unreadable> {
        let mut prepared = Prepared::new(text).map_err(|failure| unreadable(text, failure))?;
        let mut respelled = 0;
        loop {
            let failure = match parsed(&prepared) {
                Ok(Builder { nodes, roots, .. }) => {
                    return Ok(Self {
                        text: prepared.text,
                        nodes,
                        roots,
                        placeholder,
                    });
                }
                Err(failure) => failure,
            };
            effort.spend(failure.offset);
            match prepared.respelled(&failure) {
                Some(other) if respelled < MAX_RESPELLED && effort.is_left() => prepared = other,
                Some(_) | None => return Err(unreadable(&prepared.text, in_words(failure))),
            }
            respelled += 1;
        }
    }
}

fn unreadable(text: &Text, failure: Failure) -> Unreadable {
    // A value may be read to its end before it turns out to be wrong.
    let before = text.as_str().get(..failure.offset).unwrap_or_default();
    let from = before.trim_end().len().saturating_sub(1);
    Unreadable {
        at: text.position(failure.offset),
        used: text.uses_in(&(from..failure.offset + 1)).last().copied(),
        problem: failure.problem,
    }
}

/// Problems of the parser are half sentences.
fn in_words(failure: Failure) -> Failure {
    if failure.problem.ends_with('.') {
        return failure;
    }
    Failure {
        problem: format!("The YAML can't be read here: {}.", failure.problem),
        ..failure
    }
}

fn parsed(prepared: &Prepared) -> Result<Builder, Failure> {
    let last = Cell::new(0);
    // The parser has panicked on damaged texts before.
    let caught = catch_unwind(AssertUnwindSafe(|| events(prepared, &last)));
    caught.unwrap_or_else(|_| Err(Failure::new(last.get(), PANICKED)))
}

/// Adds all events. `last` is where the last one ends.
fn events(prepared: &Prepared, last: &Cell<usize>) -> Result<Builder, Failure> {
    let text = prepared.text.as_str();
    // The parser takes some letters for a byte order mark, and its marks count from after one.
    let (base, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (text.len() - rest.len(), rest),
        None => (0, text),
    };
    let offset = |index: u64| base + usize::try_from(index).unwrap_or(usize::MAX).min(text.len());
    let end = base + text.trim_end().len();
    let mut parser = Parser::new();
    parser.set_encoding(Encoding::Utf8);
    parser.set_input(text.as_bytes());
    let mut builder = Builder::default();
    loop {
        let event = parser
            .parse()
            .map_err(|error| failure(&error, end, offset))?;
        let range = offset(event.start_mark.index)..offset(event.end_mark.index);
        last.set(range.end);
        if event.data == EventData::StreamEnd {
            return Ok(builder);
        }
        builder.event(event.data, range, prepared)?;
    }
}

/// Where an error begins: brackets and quotes that aren't closed are better shown at their beginning.
fn failure(error: &Error, end: usize, offset: impl Fn(u64) -> usize) -> Failure {
    let place = |mark: Mark| offset(mark.index);
    let problem = error.problem_mark().map_or(0, place);
    let is_of_beginning = matches!(
        error.context(),
        Some("while scanning a simple key" | "while scanning a quoted scalar")
    );
    let begin = error.context_mark().map(place);
    let offset = begin.filter(|_| is_of_beginning || problem >= end);
    Failure::new(offset.unwrap_or(problem), error.problem())
}
