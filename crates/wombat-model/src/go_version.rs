//! A released Go toolchain, such as `1.26.8`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A Go release, `1.<minor>.<patch>`; ordered as releases are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GoVersion {
    minor: u16,
    patch: u16,
}

/// The text is not a full Go release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a Go release; write it in full, such as 1.26.8")]
pub struct ParseGoVersionError(String);

impl GoVersion {
    /// The spelling in build keys and in the original's addresses: `1_26_8`.
    pub fn key_part(self) -> String {
        format!("1_{}_{}", self.minor, self.patch)
    }

    /// Reads [`Self::key_part`] back.
    pub fn from_key_part(part: &str) -> Result<Self, ParseGoVersionError> {
        if part.contains('.') {
            return Err(ParseGoVersionError(part.to_owned()));
        }
        part.replace('_', ".").parse()
    }

    /// The name that the `go` command gives this toolchain: `go1.26.8`.
    pub fn toolchain(self) -> String {
        format!("go{self}")
    }

    /// The line that it belongs to.
    pub const fn line(self) -> GoLine {
        GoLine { minor: self.minor }
    }
}

/// A line of Go releases, `1.<minor>`: its releases differ by fixes alone. Ordered as lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoLine {
    minor: u16,
}

/// The text is not a line of Go releases.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a line of Go releases; write it without a patch number, such as 1.26")]
pub struct ParseGoLineError(String);

impl FromStr for GoLine {
    type Err = ParseGoLineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first: Result<GoVersion, _> = format!("{text}.0").parse();
        first
            .map(GoVersion::line)
            .map_err(|_| ParseGoLineError(text.to_owned()))
    }
}

impl fmt::Display for GoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}

impl FromStr for GoVersion {
    type Err = ParseGoVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| -> Option<u16> {
            let plain = (1..=3).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'));
            plain.then(|| part.parse().ok())?
        };
        let parts: Vec<&str> = text.split('.').collect();
        if let ["1", minor, patch] = parts[..]
            && let (Some(minor), Some(patch)) = (number(minor), number(patch))
        {
            return Ok(Self { minor, patch });
        }
        Err(ParseGoVersionError(text.to_owned()))
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}.{}", self.minor, self.patch)
    }
}

impl TryFrom<String> for GoVersion {
    type Error = ParseGoVersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<GoVersion> for String {
    fn from(version: GoVersion) -> Self {
        version.to_string()
    }
}

impl schemars::JsonSchema for GoVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GoVersion".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^1\.[0-9]{1,3}\.[0-9]{1,3}$",
            "description": "A Go release in full, such as 1.26.8.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_releases_in_full_only() {
        for good in ["1.26.8", "1.0.0", "1.26.10"] {
            assert_eq!(good.parse::<GoVersion>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "1",
            "1.26",
            "1.26.08",
            "2.0.0",
            "go1.26.8",
            "1.26.8rc1",
            "1.26.8.1",
            "1.+6.8",
            "1.26.8\n",
            "1.2600.1",
        ] {
            assert!(bad.parse::<GoVersion>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn orders_by_number() {
        assert!("1.26.8".parse::<GoVersion>().unwrap() < "1.26.10".parse().unwrap());
    }

    #[test]
    fn a_line_has_no_patch_number() {
        let version: GoVersion = "1.26.8".parse().unwrap();
        assert_eq!("1.26".parse(), Ok(version.line()));
        assert_eq!(version.line().to_string(), "1.26");
        assert!("1.9".parse::<GoLine>().unwrap() < version.line());
        for bad in ["", "1", "1.26.8", "1.026", "2.0", "go1.26"] {
            assert!(bad.parse::<GoLine>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn key_part_round_trips() {
        let version: GoVersion = "1.26.8".parse().unwrap();
        assert_eq!(version.key_part(), "1_26_8");
        assert_eq!(GoVersion::from_key_part("1_26_8"), Ok(version));
        assert!(GoVersion::from_key_part("1.26.8").is_err());
    }
}
