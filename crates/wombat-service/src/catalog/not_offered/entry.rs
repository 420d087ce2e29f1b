//! What is said of a component that isn't offered.

use wombat_model::catalog::ComponentKind;

/// Where a component is from, and why it isn't here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Of Redpanda Connect; what keeps it out, as a sentence without its end.
    Connect(&'static str),
    /// Of an earlier release of Benthos or Connect.
    Earlier,
    /// Of Bento alone.
    Bento,
}

/// Components that aren't offered.
pub(super) struct Entry {
    pub(super) kinds: &'static [ComponentKind],
    pub(super) names: &'static [&'static str],
    pub(super) origin: Origin,
    /// A sentence; empty if there is nothing alike.
    pub(super) instead: &'static str,
}

pub(super) const fn entry(
    kinds: &'static [ComponentKind],
    names: &'static [&'static str],
    origin: Origin,
    instead: &'static str,
) -> Entry {
    Entry {
        kinds,
        names,
        origin,
        instead,
    }
}

impl Entry {
    pub(super) fn message(&self, kind: ComponentKind, name: &str) -> String {
        let named = format!("the {} `{name}`", word(kind));
        let why = match self.origin {
            Origin::Connect(why) => {
                format!("Redpanda Connect has {named}, but it isn't offered here: {why}.")
            }
            Origin::Earlier => {
                format!("Earlier releases had {named}, and later ones don't.")
            }
            Origin::Bento => format!(
                "Bento, WarpStream's fork of Benthos, has {named}; Benthos and Redpanda Connect don't."
            ),
        };
        if self.instead.is_empty() {
            return why;
        }
        format!("{why} {}", self.instead)
    }
}

fn word(kind: ComponentKind) -> String {
    match kind {
        ComponentKind::BloblangFunction => "function".to_owned(),
        ComponentKind::BloblangMethod => "method".to_owned(),
        kind => kind.as_str().replace('_', " "),
    }
}
