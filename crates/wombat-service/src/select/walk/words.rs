//! Words about what was found, for people.

use wombat_model::catalog::ComponentKind;

use super::{
    super::{text::Position, variables::shortened},
    Walk,
};
use crate::catalog::{nearest, not_offered, or_nearest};

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

    /// The name, unless a given value is part of it.
    pub(super) fn known(&self) -> Option<&'a str> {
        self.written.is_none().then_some(self.name)
    }

    /// Shortened and escaped: clients may send any text.
    pub(super) fn text(&self) -> String {
        // The quotes of a text aren't part of its name.
        let text = match self.written {
            Some(written) => written.trim().trim_matches(['"', '\'']),
            None => self.name,
        };
        shortened(text)
    }

    /// In backticks.
    pub(super) fn quoted(&self) -> String {
        format!("`{}`", self.text())
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
    /// Reports a component that doesn't exist.
    pub(super) fn no_such(&mut self, kind: ComponentKind, shown: &Shown<'_>, at: Position) {
        let ending = shown.or_nearest(self.schemas.names(kind));
        let quoted = shown.quoted();
        if let Some(path) = self.outside {
            let message = format!(
                "The catalog has no {} {quoted}; `{path}` may bring it{ending}",
                in_mapping(kind)
            );
            return self.warn(at, message);
        }
        let reason = shown.known();
        let reason = reason.and_then(|name| not_offered::component(Some(kind), name));
        if let Some(reason) = reason {
            if reason.is_of_bento {
                self.found.of_bento.get_or_insert(at);
            }
            return self.mistake(at, reason.message);
        }
        let message = match self.schemas.kinds_of(shown.name).first() {
            _ if is_of_mappings(kind) => format!(
                "The mapping language has no {} {quoted}{ending}",
                in_mapping(kind)
            ),
            None => format!("There is no {} {quoted}{ending}", word(kind)),
            Some(other) => format!("{quoted} is {}, not {}{ending}", a(*other), a(kind)),
        };
        self.mistake(at, message);
    }
}

fn is_of_mappings(kind: ComponentKind) -> bool {
    matches!(
        kind,
        ComponentKind::BloblangFunction | ComponentKind::BloblangMethod
    )
}

/// As messages about mappings call it.
fn in_mapping(kind: ComponentKind) -> String {
    match kind {
        ComponentKind::BloblangFunction => "function".to_owned(),
        ComponentKind::BloblangMethod => "method".to_owned(),
        kind => word(kind),
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
