//! The blocklist: modules that an operator doesn't allow to be built.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ModulePath, ModuleVersion,
    names::{MAX_PATH, MAX_VERSION},
    plain_text::{Form, plain},
    text::validated_string,
};

/// Most entries of a blocklist.
const MAX_ENTRIES: usize = 1000;
/// Longest reason, in characters.
const MAX_REASON: usize = 200;

/// A pattern of module paths, as in Go's `GOPRIVATE`: `*` and `?` match within one path element, and a pattern matches
/// every path that begins with its elements. With `@version`, it matches that version only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModulePattern(String);

/// The text is not a module pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a module pattern: {problem}", .given.chars().take(80).collect::<String>().escape_debug())]
pub struct ParseModulePatternError {
    given: String,
    problem: &'static str,
}

validated_string!(
    ModulePattern,
    ParseModulePatternError,
    r"^[A-Za-z0-9._~*?-]+(/[A-Za-z0-9._~*?-]+)*(@v[0-9A-Za-z.+-]+)?$",
    "A pattern of module paths, such as `github.com/evil/*` or `github.com/a/b@v1.2.3`."
);

impl FromStr for ModulePattern {
    type Err = ParseModulePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reject = |problem| {
            Err(ParseModulePatternError {
                given: text.to_owned(),
                problem,
            })
        };
        if text.len() > MAX_PATH + 1 + MAX_VERSION {
            return reject("it is too long");
        }
        let (path, version) = parts(text);
        if version.is_some_and(|version| version.parse::<ModuleVersion>().is_err()) {
            return reject("the version after `@` must be exact, such as v1.2.3");
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~*?".contains(&byte);
        if path.split('/').any(str::is_empty) {
            return reject("it has an empty element");
        }
        if !path.split('/').all(|element| element.bytes().all(allowed)) {
            return reject(
                "only letters, digits, `-`, `.`, `_`, `~`, `/`, `*` and `?` are allowed",
            );
        }
        Ok(Self(text.to_owned()))
    }
}

fn parts(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((path, version)) => (path, Some(version)),
        None => (text, None),
    }
}

impl ModulePattern {
    /// Whether the pattern matches this module.
    pub fn matches(&self, module: &ModulePath, version: &ModuleVersion) -> bool {
        self.matches_text(module.as_str(), version.as_str())
    }

    /// The same for a path and a version as a linker or `go` writes them.
    pub(crate) fn matches_text(&self, path: &str, version: &str) -> bool {
        let (pattern, exactly) = parts(&self.0);
        if exactly.is_some_and(|exactly| exactly != version) {
            return false;
        }
        let mut elements = path.split('/');
        pattern.split('/').all(|pattern| {
            elements
                .next()
                .is_some_and(|element| fits(pattern.as_bytes(), element.as_bytes()))
        })
    }
}

/// Whether a pattern with the wildcards `*` and `?` matches `text`, in at most the product of both lengths in steps.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where the last `*` was, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[place] => {
                at += 1;
                place += 1;
            }
            Some(_) | None => {
                let Some((back, taken)) = star else {
                    return false;
                };
                star = Some((back, taken + 1));
                at = back + 1;
                place = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockedModule {
    /// The modules that are blocked.
    pub module: ModulePattern,
    /// Why, for clients whose build is refused; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The blocklist: at most 1000 entries, without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "Vec<BlockedModule>", into = "Vec<BlockedModule>")]
pub struct Blocklist(Vec<BlockedModule>);

/// The entries don't make a blocklist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBlocklist {
    /// There are too many entries.
    #[error("a blocklist has at most 1000 entries")]
    TooMany,
    /// An entry is listed twice.
    #[error("`{0}` is listed twice")]
    Twice(ModulePattern),
    /// A reason that can't be shown.
    #[error("the reason for `{0}` is longer than 200 characters or has control characters")]
    Reason(ModulePattern),
}

impl TryFrom<Vec<BlockedModule>> for Blocklist {
    type Error = InvalidBlocklist;

    fn try_from(mut entries: Vec<BlockedModule>) -> Result<Self, Self::Error> {
        if entries.len() > MAX_ENTRIES {
            return Err(InvalidBlocklist::TooMany);
        }
        let mut seen = std::collections::BTreeSet::new();
        for BlockedModule { module, reason } in &entries {
            if !seen.insert(module) {
                return Err(InvalidBlocklist::Twice(module.clone()));
            }
            let shown = reason.as_ref().is_none_or(|text| {
                text.chars().count() <= MAX_REASON && !text.chars().any(char::is_control)
            });
            if !shown {
                return Err(InvalidBlocklist::Reason(module.clone()));
            }
        }
        // A stored list must stay readable, whatever a reason has: without it nothing is built.
        for reason in entries.iter_mut().filter_map(|it| it.reason.as_mut()) {
            *reason = plain(reason, Form::Line).into_owned();
        }
        Ok(Self(entries))
    }
}

impl From<Blocklist> for Vec<BlockedModule> {
    fn from(list: Blocklist) -> Self {
        list.0
    }
}

impl Blocklist {
    /// What follows if the stored list can't be read, and what to do, in a sentence.
    pub fn words_if_unreadable(problem: &str) -> String {
        format!(
            "The blocklist can't be read ({problem}), so no build is accepted until an operator writes it anew: `wombat \
             blocklist replace FILE`, `PUT /api/blocklist` or `catalog.block`."
        )
    }

    /// The entries.
    pub fn entries(&self) -> &[BlockedModule] {
        &self.0
    }

    /// The first entry that matches this module.
    pub fn find(&self, module: &ModulePath, version: &ModuleVersion) -> Option<&BlockedModule> {
        self.0
            .iter()
            .find(|entry| entry.module.matches(module, version))
    }
}

impl fmt::Display for BlockedModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "`{}` ({reason})", self.module),
            None => write!(f, "`{}`", self.module),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_do_in_go() {
        for (pattern, module, meant) in [
            ("github.com/evil/*", "github.com/evil/m", true),
            ("github.com/evil/*", "github.com/evil/m/v2", true),
            ("github.com/evil/*", "github.com/evil", false),
            ("github.com/evil", "github.com/evil/m", true),
            ("github.com/evil", "github.com/eviler/m", false),
            ("*.evil.example", "a.b.evil.example/x", true),
            ("*.evil.example", "evil.example/x", false),
            ("github.com/*/m?l*", "github.com/a/mylib", true),
            ("github.com/a/b@v1.2.3", "github.com/a/b", true),
            ("github.com/a/b@v1.2.4", "github.com/a/b", false),
            ("*/*/*", "github.com/a/b", true),
            ("a*b*c.example", "aXbYbZc.example/m", false),
            ("a*b*c.example", "axbybzc.example/m", true),
        ] {
            let Ok(module) = module.parse() else { continue };
            let found = pattern
                .parse::<ModulePattern>()
                .unwrap()
                .matches(&module, &"v1.2.3".parse().unwrap());
            assert_eq!(found, meant, "{pattern} {module}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "a b", "a@", "a@latest", "a@v1", "[a]/b", "a\n",
        ] {
            assert!(bad.parse::<ModulePattern>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_list_is_bounded_and_has_nothing_twice() {
        let read = |text: &str| serde_json::from_str::<Blocklist>(text).map_err(|e| e.to_string());
        assert!(read(r#"[{"module":"a.b/*","reason":"malware"}]"#).is_ok());
        assert!(
            read(r#"[{"module":"a.b"},{"module":"a.b"}]"#)
                .unwrap_err()
                .contains("twice")
        );
        assert!(
            read(r#"[{"module":"a.b","reason":"x\ny"}]"#)
                .unwrap_err()
                .contains("control")
        );
        assert!(read(r#"[{"module":"a b"}]"#).is_err());
        assert!(read(r#"[{"module":"a.b","why":"x"}]"#).is_err());
        let many: Vec<String> = (0..1001)
            .map(|n| format!(r#"{{"module":"a.b/{n}"}}"#))
            .collect();
        assert!(
            read(&format!("[{}]", many.join(",")))
                .unwrap_err()
                .contains("at most 1000")
        );
    }
}
