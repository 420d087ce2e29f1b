//! Checksums of modules, as in `go.sum`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::validated_string;

/// The text is not a module's checksum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a checksum of a module, such as h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=", .0.chars().take(80).collect::<String>().escape_debug())]
pub struct ParseModuleSumError(String);

/// The checksum of all files of a module, `h1:…`, as in `go.sum`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModuleSum(String);

validated_string!(
    ModuleSum,
    ParseModuleSumError,
    "^h1:[A-Za-z0-9+/]{43}=$",
    "The checksum of a module, as in go.sum."
);

/// Base64 digits of a SHA-256.
const DIGITS: usize = 43;

impl FromStr for ModuleSum {
    type Err = ParseModuleSumError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .strip_prefix("h1:")
            .and_then(|rest| rest.strip_suffix('='));
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        match digits {
            Some(digits) if digits.len() == DIGITS && digits.bytes().all(is_digit) => {
                Ok(Self(text.to_owned()))
            }
            Some(_) | None => Err(ParseModuleSumError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_writes_and_nothing_else() {
        let sum = "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=";
        assert_eq!(sum.parse::<ModuleSum>().unwrap().as_str(), sum);
        for bad in [
            "",
            "h1:",
            "h2:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=",
            "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE",
            "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObd=",
            "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurOb\n=",
        ] {
            assert!(bad.parse::<ModuleSum>().is_err(), "{bad:?}");
        }
    }
}
