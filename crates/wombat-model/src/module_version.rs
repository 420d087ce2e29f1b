//! Exact module versions, by the rules of golang.org/x/mod's `semver` and `module.CheckPathMajor`.

use std::{cmp::Ordering, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ModulePath, names::MAX_VERSION, text::validated_string};

/// The text is not an exact version, or not one of its module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an exact version: {problem}", .given.chars().take(80).collect::<String>().escape_debug())]
pub struct ParseModuleVersionError {
    given: String,
    problem: &'static str,
    own: bool,
}

impl ParseModuleVersionError {
    /// Whether the rule is one of ours, so that Go itself would take the version.
    pub fn is_own_rule(&self) -> bool {
        self.own
    }
}

/// A canonical version such as `v4.105.0` or a pseudo-version; never a branch, never `latest`.
/// Ordered by precedence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModuleVersion(String);

validated_string!(
    ModuleVersion,
    ParseModuleVersionError,
    r"^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+incompatible)?$",
    "An exact module version."
);

impl FromStr for ModuleVersion {
    type Err = ParseModuleVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reject = |problem, own| {
            Err(ParseModuleVersionError {
                given: text.to_owned(),
                problem,
                own,
            })
        };
        let Some(parts) = VersionParts::of(text) else {
            return reject("write it as vMAJOR.MINOR.PATCH, such as v4.105.0", false);
        };
        if text.len() > MAX_VERSION {
            return reject("it is longer than 128 characters", true);
        }
        if parts.incompatible && compare_numbers(parts.numbers[0], "2").is_lt() {
            return reject("`+incompatible` is for major versions from v2", true);
        }
        Ok(Self(text.to_owned()))
    }
}

impl ModuleVersion {
    /// Whether the major version is the one that the module's path says (`module.CheckPathMajor`).
    pub fn check_for(&self, module: &ModulePath) -> Result<(), ParseModuleVersionError> {
        let suffix = module.major_suffix();
        let suffix = suffix.strip_suffix("-unstable").unwrap_or(suffix);
        if suffix == ".v1" && self.0.starts_with("v0.0.0-") {
            return Ok(());
        }
        let parts = self.parts();
        let fits = match suffix.get(1..) {
            None => matches!(parts.numbers[0], "0" | "1") || parts.incompatible,
            Some(major) => major.strip_prefix('v') == Some(parts.numbers[0]),
        };
        if fits {
            return Ok(());
        }
        Err(ParseModuleVersionError {
            given: self.0.clone(),
            problem: "its major version isn't the one in the module's path",
            own: false,
        })
    }

    /// Whether it names a commit instead of a released version (`module.IsPseudoVersion`).
    pub fn is_pseudo(&self) -> bool {
        let parts = self.parts();
        // `vX.0.0-<time>-<commit>`, or `-0.` or `.0.` before the time.
        let Some((front, commit)) = parts.prerelease.and_then(|it| it.rsplit_once('-')) else {
            return false;
        };
        let (before, time) = match front.rsplit_once('.') {
            Some((before, time)) => (Some(before), time),
            None => (None, front),
        };
        let follows_release = match before {
            None => parts.numbers[1..] == ["0", "0"],
            Some(before) => before == "0" || before.ends_with(".0"),
        };
        let is_time = time.len() == 14 && time.bytes().all(|byte| byte.is_ascii_digit());
        let is_commit = commit.bytes().all(|byte| byte.is_ascii_alphanumeric());
        follows_release && is_time && is_commit && !commit.is_empty()
    }

    fn parts(&self) -> VersionParts<'_> {
        VersionParts::of(&self.0).expect("checked when the version was parsed")
    }
}

struct VersionParts<'a> {
    numbers: [&'a str; 3],
    prerelease: Option<&'a str>,
    incompatible: bool,
}

impl<'a> VersionParts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix('v')?;
        let (rest, incompatible) = match rest.strip_suffix("+incompatible") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (core, prerelease) = match rest.split_once('-') {
            Some((core, prerelease)) => (core, Some(prerelease)),
            None => (rest, None),
        };
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0'));
        let numbers: [&str; 3] = core.split('.').collect::<Vec<_>>().try_into().ok()?;
        if !numbers.iter().all(|part| number(part)) {
            return None;
        }
        let identifier = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && (!digits(part) || number(part))
        };
        if prerelease.is_some_and(|text| !text.split('.').all(identifier)) {
            return None;
        }
        Some(Self {
            numbers,
            prerelease,
            incompatible,
        })
    }
}

fn compare_numbers(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Semantic versioning §11.4, as `semver.Compare` does it.
fn compare_prereleases(left: &str, right: &str) -> Ordering {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mut left = left.split('.');
    let mut right = right.split('.');
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(l), Some(r)) => match (digits(l), digits(r)) {
                (true, true) => compare_numbers(l, r),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => l.cmp(r),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl Ord for ModuleVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (self.parts(), other.parts());
        let numbers = left
            .numbers
            .iter()
            .zip(right.numbers)
            .map(|(l, r)| compare_numbers(l, r));
        numbers
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| match (left.prerelease, right.prerelease) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(l), Some(r)) => compare_prereleases(l, r),
            })
            .then_with(|| left.incompatible.cmp(&right.incompatible))
    }
}

impl PartialOrd for ModuleVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_canonical_versions_only() {
        for good in [
            "v4.105.0",
            "v0.0.0-20240101000000-abcdef123456",
            "v1.2.3-rc.1",
            "v2.0.0+incompatible",
        ] {
            assert!(good.parse::<ModuleVersion>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "latest",
            "main",
            "v1",
            "v1.2",
            "1.2.3",
            "v1.2.03",
            "v1.2.3-01",
            "v1.2.3-",
            "v1.2.3-a..b",
            "v1.2.3+meta",
            "v1.0.0+incompatible",
            "v1.2.3\n",
            "v1.2.3 ",
            "v1.2.3-ä",
        ] {
            assert!(bad.parse::<ModuleVersion>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn knows_pseudo_versions() {
        for (version, expected) in [
            ("v0.0.0-20240101000000-abcdef123456", true),
            ("v4.0.0-20240101000000-abcdef123456", true),
            ("v1.2.4-0.20240101000000-abcdef123456", true),
            ("v1.2.3-pre.0.20240101000000-abcdef123456", true),
            ("v2.0.1-0.20240101000000-abcdef123456+incompatible", true),
            ("v4.105.0", false),
            ("v4.105.0-rc.1", false),
            ("v1.2.3-20240101000000-abcdef123456", false),
            ("v1.2.3-1.20240101000000-abcdef123456", false),
            ("v1.2.3-0.2024010100000-abcdef123456", false),
            ("v1.2.3-0.20240101000000", false),
            ("v1.2.3-rc-1", false),
        ] {
            let version: ModuleVersion = version.parse().unwrap();
            assert_eq!(version.is_pseudo(), expected, "{version}");
        }
    }

    #[test]
    fn orders_by_precedence() {
        let sorted = [
            "v1.2.3-1",
            "v1.2.3-alpha",
            "v1.2.3-alpha.1",
            "v1.2.3-beta",
            "v1.2.3",
            "v1.10.0",
            "v4.100.0",
            "v4.105.0",
        ];
        for pair in sorted.windows(2) {
            let [left, right] =
                [pair[0], pair[1]].map(|text| text.parse::<ModuleVersion>().unwrap());
            assert!(left < right, "{left} {right}");
        }
    }

    #[test]
    fn the_major_version_fits_the_path() {
        for (path, version, fits) in [
            ("a.b/c", "v1.0.0", true),
            ("a.b/c", "v2.0.0", false),
            ("a.b/c", "v2.0.0+incompatible", true),
            ("a.b/c/v4", "v4.1.0", true),
            ("a.b/c/v4", "v3.1.0", false),
            ("gopkg.in/y.v3", "v3.0.1", true),
            ("gopkg.in/y.v1", "v0.0.0-20240101000000-abcdef123456", true),
            ("gopkg.in/y.v2-unstable", "v2.0.0", true),
        ] {
            let module: ModulePath = path.parse().unwrap();
            let version: ModuleVersion = version.parse().unwrap();
            assert_eq!(version.check_for(&module).is_ok(), fits, "{path} {version}");
        }
    }
}
