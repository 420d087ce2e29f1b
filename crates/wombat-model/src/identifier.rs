//! Names that processes give themselves: builders and claims.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::validated_string;

/// The text can't be part of a NATS subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be 1 to 64 letters, digits, `-` or `_`")]
pub struct ParseIdentifierError(String);

fn subject_token(text: &str) -> Result<String, ParseIdentifierError> {
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(ParseIdentifierError(text.to_owned()))
    }
}

/// A builder process, `<user>-<random>`: a new one at each start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuilderId(String);

/// One claim of one build: a nonce that identifies the claim that wrote a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClaimId(String);

impl FromStr for BuilderId {
    type Err = ParseIdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        subject_token(text).map(Self)
    }
}

impl FromStr for ClaimId {
    type Err = ParseIdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        subject_token(text).map(Self)
    }
}

validated_string!(
    BuilderId,
    ParseIdentifierError,
    "^[A-Za-z0-9_-]{1,64}$",
    "A builder process."
);
validated_string!(
    ClaimId,
    ParseIdentifierError,
    "^[A-Za-z0-9_-]{1,64}$",
    "One claim of a build."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_subject_token() {
        assert!("fox-2_a".parse::<BuilderId>().is_ok());
        for bad in ["", "a.b", "*", ">", "a b", "ä", "a/b", &"x".repeat(65)] {
            assert!(bad.parse::<ClaimId>().is_err(), "{bad:?}");
        }
    }
}
