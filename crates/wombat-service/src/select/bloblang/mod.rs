//! Whether a mapping can be read, as Benthos reads it when it lints: by the same alternatives, in the same order. Whether
//! it works on a message isn't known here.
//!
//! *cursor*: where reading is, and alternatives · *tokens*: names, texts, numbers, blanks · *statements*: lines of a
//! mapping · *queries*: values · *branches*: `if` and `match` · *arguments*: those of functions and methods.
//!
//! Unknown functions and methods are found by *mapping*. Files that a mapping imports are read as texts of their own.

mod arguments;
mod branches;
mod cursor;
mod queries;
mod statements;
#[cfg(test)]
mod tests;
mod tokens;

use crate::catalog::Schemas;
use cursor::{Cursor, Parsed};

/// Most queries of all mappings of a question that are checked; the rest is taken for valid.
pub(super) const MOST_QUERIES: usize = 50_000;

/// A part of a mapping that can't be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Offset in the mapping, in bytes.
    pub(super) at: usize,
    pub(super) problem: String,
}

/// Reads mappings with the functions and methods of a catalog.
#[derive(Debug)]
pub(super) struct Grammar<'a> {
    schemas: &'a Schemas,
    queries_left: &'a mut usize,
}

impl<'a> Grammar<'a> {
    pub(super) fn new(schemas: &'a Schemas, queries_left: &'a mut usize) -> Self {
        Self {
            schemas,
            queries_left,
        }
    }

    /// Reads a mapping; an empty one is none.
    pub(super) fn mapping(&mut self, text: &str) -> Result<(), Unreadable> {
        if text.is_empty() {
            return Ok(());
        }
        let mut cursor = self.cursor(text);
        let read = cursor.mapping();
        self.judged(&cursor, read)
    }

    /// Reads a text with mappings in `${! … }`.
    pub(super) fn interpolated(&mut self, text: &str) -> Result<(), Unreadable> {
        if !text.contains("${!") && !text.contains("${{!") {
            return Ok(());
        }
        let mut cursor = self.cursor(text);
        let read = cursor.interpolated();
        self.judged(&cursor, read)
    }

    fn cursor<'t>(&self, text: &'t str) -> Cursor<'t>
    where
        'a: 't,
    {
        Cursor::new(text, self.schemas, *self.queries_left)
    }

    fn judged(&mut self, cursor: &Cursor<'_>, read: Parsed<()>) -> Result<(), Unreadable> {
        *self.queries_left = cursor.queries_left;
        match read {
            Err(failure) if !cursor.has_given_up => Err(Unreadable {
                at: failure.at,
                problem: failure.problem(),
            }),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
