//! What only the components' own code knows: fields that exclude each other, or that need each other. A generated
//! pipeline follows these rules; the catalog's schemas don't have them.

/// How a field is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Always,
    Never,
}

/// Fields that a rule is about.
const USES: [(&str, Use); 0] = [];

/// Values that a rule demands.
const VALUES: [(&str, &str); 0] = [];

/// How a field is used, if a rule is about it.
pub(super) fn of(path: &str) -> Option<Use> {
    let found = USES.iter().find(|(rule, _)| fits(rule, path));
    found.map(|(_, it)| *it)
}

/// The value of a field, if a rule demands one.
pub(super) fn value(path: &str) -> Option<&'static str> {
    let found = VALUES.iter().find(|(rule, _)| fits(rule, path));
    found.map(|(_, value)| *value)
}

/// Whether a rule is about a path. A rule that begins with `*` is about the end of paths.
fn fits(rule: &str, path: &str) -> bool {
    match rule.strip_prefix('*') {
        Some(end) => path.ends_with(end),
        None => rule == path,
    }
}
