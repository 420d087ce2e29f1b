//! Words about what was found, for people.

use wombat_model::catalog::ComponentKind;

use super::{super::variables::shortened, Walk};
use crate::catalog::{nearest, or_nearest};

/// A name as it may be shown.
pub(super) struct Shown<'a> {
    name: &'a str,
    /// How it is written, if a given value is part of it: that is never shown.
    written: Option<&'a str>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(name: &'a str, written: Option<&'a str>) -> Self {
        Self { name, written }
    }

    /// In backticks, shortened and escaped: clients may send any text.
    pub(super) fn quoted(&self) -> String {
        let text = match self.written {
            // The quotes of a text aren't part of its name.
            Some(written) => written.trim().trim_matches(['"', '\'']),
            None => self.name,
        };
        format!("`{}`", shortened(text))
    }

    /// `; did you mean …?`, or the end of the sentence. Names that are near a given value would tell it.
    pub(super) fn or_nearest<'b>(&self, names: impl Iterator<Item = &'b str>) -> String {
        match self.written {
            Some(_) => ".".to_owned(),
            None => or_nearest(&nearest(self.name, names)),
        }
    }
}

impl Walk<'_> {
    /// Mistakes about a component that doesn't exist.
    pub(super) fn no_such(&self, kind: ComponentKind, shown: &Shown<'_>) -> String {
        let ending = shown.or_nearest(self.schemas.names(kind));
        let quoted = shown.quoted();
        match self.schemas.kinds_of(shown.name).first() {
            None => format!("There is no {} {quoted}{ending}", word(kind)),
            Some(other) => format!("{quoted} is {}, not {}{ending}", a(*other), a(kind)),
        }
    }
}

/// As people write it.
pub(super) fn word(kind: ComponentKind) -> String {
    kind.as_str().replace('_', " ")
}

/// With its article.
pub(super) fn a(kind: ComponentKind) -> String {
    let article = match kind {
        ComponentKind::Input | ComponentKind::Output => "an",
        _ => "a",
    };
    format!("{article} {}", word(kind))
}

/// A well-known example.
pub(super) const fn example(kind: ComponentKind) -> &'static str {
    match kind {
        ComponentKind::Input => "stdin",
        ComponentKind::Output => "stdout",
        ComponentKind::Processor => "mapping",
        ComponentKind::Cache | ComponentKind::Buffer => "memory",
        ComponentKind::RateLimit => "local",
        ComponentKind::Metric => "prometheus",
        ComponentKind::Tracer => "none",
        ComponentKind::Scanner => "lines",
        ComponentKind::BloblangFunction => "now",
        ComponentKind::BloblangMethod => "uppercase",
        ComponentKind::Driver => "postgres",
    }
}
