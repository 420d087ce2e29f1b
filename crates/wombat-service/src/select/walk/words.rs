//! Words about what was found, for people.

use wombat_model::catalog::ComponentKind;

/// Characters of a name that are shown.
const SHOWN: usize = 64;

/// Shortened and escaped for display: clients may send any text.
pub(super) fn quoted(name: &str) -> String {
    let short: String = name.chars().take(SHOWN).collect();
    format!("`{}`", short.escape_debug())
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
    }
}
