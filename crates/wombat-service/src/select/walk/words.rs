//! Words about what was found, for people.

use wombat_model::{catalog::ComponentKind, names::MAX_QUERY};

/// As it may be shown: people paste anything.
pub(super) fn quoted(name: &str) -> String {
    let short: String = name.chars().take(MAX_QUERY / 8).collect();
    format!("`{}`", short.escape_debug())
}

/// With its article.
pub(super) fn a(kind: ComponentKind) -> String {
    let article = match kind {
        ComponentKind::Input | ComponentKind::Output => "an",
        _ => "a",
    };
    format!("{article} {}", kind.as_str().replace('_', " "))
}

/// One that everybody knows.
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
