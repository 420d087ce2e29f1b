//! Where reading is. An alternative that fails is forgotten, unless its failure is final.

use std::{borrow::Cow, collections::BTreeSet};

use crate::catalog::Schemas;

/// Deepest nesting that is checked.
const MAX_DEPTH: usize = 80;

/// Why a text isn't what it should be.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) at: usize,
    /// No other alternative is tried.
    pub(super) is_final: bool,
    what: What,
}

#[derive(Debug)]
enum What {
    Expected(&'static str),
    Wrong(Cow<'static, str>),
}

impl Failure {
    /// A sentence for people.
    pub(super) fn problem(&self) -> String {
        match &self.what {
            What::Expected(what) => format!("The mapping can't be read here: expected {what}."),
            What::Wrong(problem) => format!("The mapping can't be read here: {problem}."),
        }
    }
}

pub(super) type Parsed<T> = Result<T, Failure>;

/// A mapping, and how far it is read.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) schemas: &'a Schemas,
    /// Names before `->` that are in effect.
    pub(super) names: Vec<&'a str>,
    /// Names of the mapping's own maps.
    pub(super) maps: BTreeSet<&'a str>,
    pub(super) queries_left: usize,
    /// It is too long or nested too deeply to be checked.
    pub(super) has_given_up: bool,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, schemas: &'a Schemas, queries_left: usize) -> Self {
        Self {
            text,
            at: 0,
            schemas,
            names: Vec::new(),
            maps: BTreeSet::new(),
            queries_left,
            has_given_up: false,
            depth: 0,
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn expected(&self, what: &'static str) -> Failure {
        Failure {
            at: self.at,
            is_final: false,
            what: What::Expected(what),
        }
    }

    pub(super) fn wrong(&self, at: usize, problem: impl Into<Cow<'static, str>>) -> Failure {
        Failure {
            at: at.min(self.text.len()),
            is_final: true,
            what: What::Wrong(problem.into()),
        }
    }

    /// What must follow: other alternatives end here.
    pub(super) fn must<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        read(self).map_err(|failure| Failure {
            is_final: true,
            ..failure
        })
    }

    /// What may follow.
    pub(super) fn may<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<Option<T>> {
        let at = self.at;
        match read(self) {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.is_final => Err(failure),
            Err(_) => {
                self.at = at;
                Ok(None)
            }
        }
    }

    /// The first alternative that can be read. The failure is that of the one that came furthest.
    pub(super) fn one_of<T>(&mut self, alternatives: &[fn(&mut Self) -> Parsed<T>]) -> Parsed<T> {
        let at = self.at;
        let mut furthest: Option<Failure> = None;
        for read in alternatives {
            match read(self) {
                Ok(value) => return Ok(value),
                Err(failure) if failure.is_final => return Err(failure),
                Err(failure) => {
                    self.at = at;
                    if furthest.as_ref().is_none_or(|it| it.at < failure.at) {
                        furthest = Some(failure);
                    }
                }
            }
        }
        Err(furthest.unwrap_or_else(|| self.expected("something else")))
    }

    /// Items between a beginning and an end. Wherever an item or a delimiter could be, the end may be.
    pub(super) fn delimited<T>(
        &mut self,
        begin: fn(&mut Self) -> Parsed<()>,
        item: fn(&mut Self) -> Parsed<T>,
        delimiter: fn(&mut Self) -> Parsed<()>,
        end: fn(&mut Self) -> Parsed<()>,
    ) -> Parsed<Vec<T>> {
        begin(self)?;
        let mut items = Vec::new();
        loop {
            let at = self.at;
            match item(self) {
                Ok(value) => items.push(value),
                Err(failure) => {
                    self.at = at;
                    return end(self).map(|()| items).map_err(|_| failure);
                }
            }
            let at = self.at;
            if let Err(failure) = delimiter(self) {
                self.at = at;
                return end(self).map(|()| items).map_err(|_| failure);
            }
        }
    }

    /// Reads something that may contain itself, within the limits.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH || self.queries_left == 0 {
            self.has_given_up = true;
        }
        if self.has_given_up {
            return Err(self.wrong(self.at, "it is too long or nested too deeply"));
        }
        self.queries_left -= 1;
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }
}
