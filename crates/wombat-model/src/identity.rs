//! What makes two builds the same build, and the digests that name them.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::{
    DistributionName, DistributionVersion, GoVersion, Goarch, Goos, ImportPath, ModulePath,
    ModuleVersion, Template, Variant, text::validated_string,
};

/// The text is not 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 lower-case hex digits")]
pub struct ParseDigestError;

fn digest_text(text: &str) -> Result<String, ParseDigestError> {
    let fits = text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(ParseDigestError)
    }
}

/// The SHA-256 of a file's bytes, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

/// The last part of a build key: the SHA-256 of its identity's canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildHash(String);

impl FromStr for Sha256 {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        digest_text(text).map(Self)
    }
}

impl FromStr for BuildHash {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        digest_text(text).map(Self)
    }
}

validated_string!(
    Sha256,
    ParseDigestError,
    "^[0-9a-f]{64}$",
    "A SHA-256 in lower-case hex."
);
validated_string!(
    BuildHash,
    ParseDigestError,
    "^[0-9a-f]{64}$",
    "The hash in a build's key."
);

impl Sha256 {
    /// From a finished digest.
    pub fn from_bytes(digest: [u8; 32]) -> Self {
        Self(hex::encode(digest))
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&self.0, &mut bytes).expect("checked when the digest was parsed");
        bytes
    }
}

impl BuildHash {
    /// The first twelve digits: enough to tell builds apart on a screen, never enough to name one.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&self.0, &mut bytes).expect("checked when the hash was parsed");
        bytes
    }
}

/// Everything that decides the bytes of a binary. Two requests with the same identity are one build.
///
/// Fields are in the order of their names, so that serialising gives the canonical JSON; an absent name or version is
/// left out. A change here changes every id; the golden test pins it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity<'a> {
    pub(crate) go_version: GoVersion,
    pub(crate) goarch: Goarch,
    pub(crate) goos: Goos,
    pub(crate) ldflags: &'a str,
    pub(crate) modules: &'a BTreeMap<ModulePath, ModuleVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a DistributionName>,
    pub(crate) packages: Vec<&'a ImportPath>,
    pub(crate) tags: &'a [String],
    pub(crate) template: Template,
    pub(crate) variant: Variant,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<&'a DistributionVersion>,
}

impl Identity<'_> {
    /// JSON without spaces, keys sorted, packages sorted and without repeats.
    pub fn canonical_json(&self) -> String {
        serde_json::to_string(self)
            .expect("strings, numbers and maps with string keys always serialise")
    }

    /// The hash that names the build.
    pub fn hash(&self) -> BuildHash {
        BuildHash(hex::encode(sha2::Sha256::digest(self.canonical_json())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_lower_case_hex_of_full_length() {
        let text = "0123456789abcdef".repeat(4);
        let digest: Sha256 = text.parse().unwrap();
        assert_eq!(Sha256::from_bytes(digest.to_bytes()), digest);
        assert!(text.to_uppercase().parse::<Sha256>().is_err());
        assert!(text[..63].parse::<BuildHash>().is_err());
    }
}
