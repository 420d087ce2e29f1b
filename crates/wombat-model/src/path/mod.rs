//! Module and import paths, by Go's rules (`go_rules`), and stricter ones of our own that keep a path from naming a host
//! that no public module lives on (`own_rules`).

mod go_rules;
mod own_rules;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::validated_string;
use go_rules::split_major;

/// The text is not a path that can be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not {kind}: {problem}", shown(.given))]
pub struct ParsePathError {
    given: String,
    kind: &'static str,
    problem: &'static str,
    own: bool,
}

impl ParsePathError {
    fn by_go(given: &str, kind: &'static str, problem: &'static str) -> Self {
        Self {
            given: given.to_owned(),
            kind,
            problem,
            own: false,
        }
    }

    fn by_us(given: &str, kind: &'static str, problem: &'static str) -> Self {
        Self {
            own: true,
            ..Self::by_go(given, kind, problem)
        }
    }

    /// Whether the rule is one of ours, so that Go itself would take the path.
    pub fn is_own_rule(&self) -> bool {
        self.own
    }
}

/// The text as error messages show it: shortened, without control characters.
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
        const KIND: &str = "a module path";
        go_rules::check_module(text).map_err(|problem| Self::Err::by_go(text, KIND, problem))?;
        own_rules::check(text).map_err(|problem| Self::Err::by_us(text, KIND, problem))?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for ImportPath {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const KIND: &str = "an import path";
        go_rules::check_import(text).map_err(|problem| Self::Err::by_go(text, KIND, problem))?;
        own_rules::check(text)
            .and_then(|()| own_rules::check_importable(text))
            .map_err(|problem| Self::Err::by_us(text, KIND, problem))?;
        Ok(Self(text.to_owned()))
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
