//! An own name and version of a distribution, which its binary says about itself.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::validated_string;

/// Longest name, and longest version, in bytes.
const MAX_LENGTH: usize = 64;

/// The text isn't a distribution's name or version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a distribution's {kind}: {rule}", .given.chars().take(80).collect::<String>().escape_debug())]
pub struct ParseDistributionError {
    given: String,
    kind: &'static str,
    rule: &'static str,
}

/// What a distribution's program is called, such as `acme-connect`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DistributionName(String);

/// The version that a distribution's binary prints, such as `1.4.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DistributionVersion(String);

impl FromStr for DistributionName {
    type Err = ParseDistributionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        let begins = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase());
        if begins && text.len() <= MAX_LENGTH && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(ParseDistributionError {
            given: text.to_owned(),
            kind: "name",
            rule: "write at most 64 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter",
        })
    }
}

impl FromStr for DistributionVersion {
    type Err = ParseDistributionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte);
        if (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(ParseDistributionError {
            given: text.to_owned(),
            kind: "version",
            rule: "write at most 64 letters, digits, `.`, `-`, `+` and `_`, such as `1.4.0`",
        })
    }
}

validated_string!(
    DistributionName,
    ParseDistributionError,
    "^[a-z][a-z0-9._-]{0,63}$",
    "The name of a distribution."
);
validated_string!(
    DistributionVersion,
    ParseDistributionError,
    "^[A-Za-z0-9._+-]{1,64}$",
    "The version of a distribution."
);

/// A distribution, as far as it isn't the default one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Its own name, if it has one.
    pub name: Option<DistributionName>,
    /// Its own version, if it has one.
    pub version: Option<DistributionVersion>,
}

impl Distribution {
    /// Whether neither is its own.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_few_characters_and_begin_with_a_letter() {
        let longest = "a".repeat(64);
        for good in ["a", "acme-connect", "acme_connect.v2", &longest] {
            assert!(good.parse::<DistributionName>().is_ok(), "{good}");
        }
        let longer = "a".repeat(65);
        for bad in [
            "", "Acme", "1st", "-a", ".a", "a b", "a/b", "a\"b", "a\\b", "a\nb", "a+b", "é",
            &longer,
        ] {
            assert!(bad.parse::<DistributionName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_have_few_characters() {
        let longest = "1".repeat(64);
        for good in ["1.4.0", "v1", "2026-11-29", "1.0.0-rc.1+build_7", &longest] {
            assert!(good.parse::<DistributionVersion>().is_ok(), "{good}");
        }
        let longer = "1".repeat(65);
        for bad in ["", "1 0", "1/0", "1\"0", "1\\0", "1\n", "1~0", "é", &longer] {
            assert!(bad.parse::<DistributionVersion>().is_err(), "{bad}");
        }
    }
}
