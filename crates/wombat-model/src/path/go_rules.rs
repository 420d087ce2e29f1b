//! The rules of Go's `module.CheckPath` and `module.CheckImportPath` (golang.org/x/mod/module), no more and no less.

#[derive(Clone, Copy, PartialEq)]
enum PathKind {
    Module,
    Import,
}

/// `module.CheckImportPath`.
pub(super) fn check_import(path: &str) -> Result<(), &'static str> {
    check_elements(path, PathKind::Import)
}

/// `module.CheckPath`.
pub(super) fn check_module(path: &str) -> Result<(), &'static str> {
    check_elements(path, PathKind::Module)?;
    let host = path.split('/').next().unwrap_or(path);
    if !host.contains('.') {
        return Err(NO_DOT);
    }
    if !is_host(host) {
        return Err(NOT_A_HOST);
    }
    split_major(path)
        .map(drop)
        .ok_or("its major version suffix is malformed")
}

pub(super) const NO_DOT: &str = "its first element has no dot, so it can't be a host name";
pub(super) const NOT_A_HOST: &str =
    "its first element may hold lower-case letters, digits, `-` and `.` only";

pub(super) fn is_host(host: &str) -> bool {
    host.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

/// `checkPath`.
fn check_elements(path: &str, kind: PathKind) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it is empty");
    }
    if path.starts_with('-') {
        return Err("it begins with a dash");
    }
    if path.starts_with('/') || path.ends_with('/') || path.contains("//") {
        return Err("it has an empty element");
    }
    path.split('/')
        .try_for_each(|element| check_element(element, kind))
}

/// File names that Windows reserves, whatever their case or extension.
const RESERVED_ON_WINDOWS: &[&str] = &[
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// `checkElem`.
fn check_element(element: &str, kind: PathKind) -> Result<(), &'static str> {
    if element.bytes().all(|byte| byte == b'.') {
        return Err("an element is made of dots only");
    }
    if element.starts_with('.') && kind == PathKind::Module {
        return Err("an element begins with a dot");
    }
    if element.ends_with('.') {
        return Err("an element ends in a dot");
    }
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || (kind == PathKind::Import && byte == b'+')
    };
    if !element.bytes().all(allowed) {
        return Err("it has a character other than letters, digits, `-`, `.`, `_`, `~` and `/`");
    }
    let stem = element.split('.').next().unwrap_or(element);
    if RESERVED_ON_WINDOWS.contains(&stem.to_ascii_lowercase().as_str()) {
        return Err("an element is a file name that Windows reserves");
    }
    if let Some((_, suffix)) = stem.rsplit_once('~')
        && !suffix.is_empty()
        && suffix.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err("an element ends in `~` and digits");
    }
    Ok(())
}

/// `SplitPathVersion`: the suffix, or `None` where it is malformed.
pub(super) fn split_major(path: &str) -> Option<&str> {
    if path.starts_with("gopkg.in/") {
        let trimmed = path.strip_suffix("-unstable").unwrap_or(path);
        let stem = trimmed.trim_end_matches(|c: char| c.is_ascii_digit());
        if !stem.as_bytes().ends_with(b".v") {
            return None;
        }
        // Go takes `.v-unstable`, without a number, and refuses `.v0-unstable`.
        let suffix = &path[stem.len() - 2..];
        let well_formed = suffix.len() > 2 && (suffix == ".v0" || !suffix.starts_with(".v0"));
        return well_formed.then_some(suffix);
    }
    let stem = path.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &path[stem.len()..];
    if number.is_empty() || !stem.ends_with("/v") {
        return Some("");
    }
    let well_formed = !number.contains('.') && !number.starts_with('0') && number != "1";
    well_formed.then(|| &path[stem.len() - 2..])
}
