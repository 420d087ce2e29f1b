//! Signs that a pipeline was written for Bento, the fork of Benthos.

use super::{sources::Source, text::Text, variables::VariableUses, walk::Mistake};
use crate::catalog::not_offered::BENTO;

/// Turns lint off in Bento, and not in Benthos.
const LINT_DISABLED: &str = "# BENTO LINT DISABLE";
/// What names of its variables begin with.
const VARIABLES: &str = "BENTO_";

/// What is and isn't the same.
const NOTE: &str = "This seems to be written for Bento, WarpStream's fork of Benthos: what both have under one name is taken from Redpanda's Benthos and Connect, where fields and defaults may differ since the fork in 2024; what only Bento has can't be built; `BENTO_…` are variables like others, and `# BENTHOS LINT DISABLE` turns lint off.";

/// The note, at the first sign in a text.
pub(super) fn note(source: &Source, uses: &VariableUses) -> Option<Mistake> {
    let text = source.text.as_str();
    let variable = uses.all.iter().find(|it| it.name.starts_with(VARIABLES));
    let offset = if text.starts_with(LINT_DISABLED) {
        0
    } else {
        let variable = variable.map(|it| it.source.start);
        variable.or_else(|| text.find(BENTO))?
    };
    Some(note_at(Text::from_parts_of(text).source_position(offset)))
}

/// The note at a component that only Bento has.
pub(super) fn note_at(at: super::text::Position) -> Mistake {
    Mistake {
        at,
        message: NOTE.to_owned(),
    }
}
