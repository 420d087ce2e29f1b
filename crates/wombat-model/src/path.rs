//! Module and import paths, by the rules of Go's `module.CheckPath` and `module.CheckImportPath`
//! (golang.org/x/mod/module), and stricter ones of our own that keep a path from naming a host
//! that no public module lives on.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{names::MAX_PATH, text::validated_string};

/// The text is not a path that can be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not {kind}: {problem}", shown(.given))]
pub struct ParsePathError {
    given: String,
    kind: &'static str,
    problem: &'static str,
}

/// Control characters and overlong text don't belong into an error message.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    let mark = if short.len() < text.len() { "…" } else { "" };
    format!("{}{mark}", short.escape_debug())
}

/// The path of a Go module, such as `github.com/redpanda-data/connect/v4`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModulePath(String);

/// The import path of a package that a main package outside its module may import.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImportPath(String);

validated_string!(
    ModulePath,
    ParsePathError,
    r"^[a-z0-9.-]+(/[A-Za-z0-9._~-]+)*$",
    "The path of a Go module."
);
validated_string!(
    ImportPath,
    ParsePathError,
    r"^[a-z0-9.-]+(/[A-Za-z0-9._~+-]+)*$",
    "The import path of a Go package."
);

impl FromStr for ModulePath {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_elements(text, Kind::Module)
            .and_then(|()| check_host(text))
            .and_then(|()| {
                split_major(text)
                    .map(drop)
                    .ok_or("its major version suffix is malformed")
            })
            .map(|()| Self(text.to_owned()))
            .map_err(|problem| ParsePathError {
                given: text.to_owned(),
                kind: "a module path",
                problem,
            })
    }
}

impl FromStr for ImportPath {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_elements(text, Kind::Import)
            .and_then(|()| check_host(text))
            .and_then(|()| {
                let internal = text.split('/').any(|element| element == "internal");
                if internal {
                    Err("an `internal` package can't be imported from outside its module")
                } else {
                    Ok(())
                }
            })
            .map(|()| Self(text.to_owned()))
            .map_err(|problem| ParsePathError {
                given: text.to_owned(),
                kind: "an import path",
                problem,
            })
    }
}

impl ModulePath {
    /// The major version suffix: empty, `/v2` or above, or gopkg.in's `.v1`.
    pub fn major_suffix(&self) -> &str {
        split_major(&self.0).expect("checked when the path was parsed")
    }

    /// Whether `path` names this module or a package below it.
    pub fn contains(&self, path: &ImportPath) -> bool {
        path.0
            .strip_prefix(&self.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl ImportPath {
    /// The last element, skipping a major version: what people call the package.
    pub fn short_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Module,
    Import,
}

/// `checkPath` and `checkElem` of golang.org/x/mod/module, and our bound on the length.
fn check_elements(path: &str, kind: Kind) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it is empty");
    }
    if path.len() > MAX_PATH {
        return Err("it is longer than 256 characters");
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

fn check_element(element: &str, kind: Kind) -> Result<(), &'static str> {
    if element.bytes().all(|byte| byte == b'.') {
        return Err("an element is made of dots only");
    }
    if element.starts_with('.') && kind == Kind::Module {
        return Err("an element begins with a dot");
    }
    if element.ends_with('.') {
        return Err("an element ends in a dot");
    }
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || (kind == Kind::Import && byte == b'+')
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

/// Top-level names that only ever mean a machine nearby.
const PRIVATE_ZONES: &[&str] = &[
    "local",
    "localhost",
    "internal",
    "arpa",
    "test",
    "invalid",
    "lan",
    "intranet",
    "onion",
];

fn check_host(path: &str) -> Result<(), &'static str> {
    let host = path.split('/').next().unwrap_or(path);
    if !host.contains('.') {
        return Err("its first element has no dot, so it can't be a host name");
    }
    if !host
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
    {
        return Err("its first element may hold lower-case letters, digits, `-` and `.` only");
    }
    let zone = host.rsplit('.').next().unwrap_or(host);
    if zone.bytes().all(|byte| byte.is_ascii_digit()) || zone.starts_with("0x") {
        return Err("its first element is an address, not a host name");
    }
    if PRIVATE_ZONES.contains(&zone) || host.split('.').any(|label| label == "localhost") {
        return Err("its host is a private name");
    }
    if path == "golang.org/toolchain" || path.starts_with("golang.org/toolchain/") {
        return Err("toolchains aren't packages; use goVersion");
    }
    Ok(())
}

/// `SplitPathVersion` of golang.org/x/mod/module: the suffix, or `None` where it is malformed.
fn split_major(path: &str) -> Option<&str> {
    if path.starts_with("gopkg.in/") {
        let trimmed = path.strip_suffix("-unstable").unwrap_or(path);
        let stem = trimmed.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &trimmed[stem.len()..];
        let well_formed = stem.as_bytes().ends_with(b".v")
            && !digits.is_empty()
            && (digits == "0" || !digits.starts_with('0'));
        return well_formed.then(|| &path[stem.len() - 2..]);
    }
    let stem = path.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &path[stem.len()..];
    if number.is_empty() || !stem.ends_with("/v") {
        return Some("");
    }
    let well_formed = !number.contains('.') && !number.starts_with('0') && number != "1";
    well_formed.then(|| &path[stem.len() - 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_real_paths() {
        for good in [
            "github.com/redpanda-data/connect/v4",
            "gopkg.in/yaml.v3",
            "gopkg.in/check.v0",
            "gopkg.in/x.v2-unstable",
            "buf.build/go/hyperpb",
            "github.com/a/a..b/-c",
            "k8s.io/api",
        ] {
            assert!(good.parse::<ModulePath>().is_ok(), "{good}");
        }
        assert!("github.com/a/b/c++".parse::<ImportPath>().is_ok());
        assert!("github.com/a/b/c++".parse::<ModulePath>().is_err());
        assert!("github.com/a/.hidden".parse::<ImportPath>().is_ok());
        assert!("github.com/a/.hidden".parse::<ModulePath>().is_err());
    }

    #[test]
    fn refuses_what_go_refuses() {
        for bad in [
            "",
            "fmt",
            "-a.b/c",
            "/a.b",
            "a.b/",
            "a.b//c",
            "a.b/../c",
            "a.b/./c",
            "a.b/c.",
            "a.b/con",
            "a.b/Aux.txt",
            "a.b/x~1",
            "A.b/c",
            "a.b/c d",
            "a.b/c\n",
            "a.b/\"",
            "a.b/ü",
            "a.b/!azure",
            "a.b/v1",
            "a.b/v02",
            "a.b/v2.1",
            "gopkg.in/yaml",
            "gopkg.in/yaml.v03",
        ] {
            assert!(bad.parse::<ModulePath>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn refuses_addresses_and_private_names() {
        for bad in [
            "127.0.0.1/x",
            "169.254.169.254/latest",
            "1.2/x",
            "a.localhost/x",
            "localhost.x.com/y",
            "db.internal/x",
            "printer.local/x",
            "x.home.arpa/y",
            "golang.org/toolchain",
            "github.com/a/internal/b",
            "a.b/internal",
        ] {
            assert!(bad.parse::<ImportPath>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn length_is_bounded() {
        let path = format!("a.b/{}", "x".repeat(252));
        assert!(path.parse::<ImportPath>().is_ok());
        assert!(format!("{path}x").parse::<ImportPath>().is_err());
    }

    #[test]
    fn a_module_contains_itself_and_what_is_below() {
        let module: ModulePath = "a.b/c".parse().unwrap();
        for (path, inside) in [
            ("a.b/c", true),
            ("a.b/c/d", true),
            ("a.b/cd", false),
            ("a.b", false),
        ] {
            assert_eq!(module.contains(&path.parse().unwrap()), inside, "{path}");
        }
    }

    #[test]
    fn errors_show_no_control_characters() {
        let error = "a.b/c\u{7}\n"
            .parse::<ImportPath>()
            .unwrap_err()
            .to_string();
        assert!(!error.contains('\n') && error.contains("\\n"), "{error}");
    }
}
