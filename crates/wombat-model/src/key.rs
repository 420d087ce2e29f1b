//! A build's name, and the name of the binary that one claim of it made.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    BuildHash, ClaimId, GoVersion, Platform, names::LOGS_SUBJECT_PREFIX, text::validated_string,
};

/// `build.<goos>.<goarch>.<go version, `_` for `.`>.<64 hex digits>`: the original's grammar with a full hash.
/// It is the id on the wire, the key in the `builds` bucket, and the stem of the log's subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildKey(String);

/// The text is not a build key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a build id: {problem}", .given.chars().take(120).collect::<String>().escape_debug())]
pub struct ParseBuildKeyError {
    given: String,
    problem: &'static str,
}

validated_string!(
    BuildKey,
    ParseBuildKeyError,
    r"^build\.[a-z]+\.[a-z0-9]+\.1_[0-9]+_[0-9]+\.[0-9a-f]{64}$",
    "The id of a build."
);

impl BuildKey {
    /// The key of these parts.
    pub fn new(platform: Platform, go: GoVersion, hash: &BuildHash) -> Self {
        Self(format!(
            "build.{}.{}.{}.{hash}",
            platform.goos(),
            platform.goarch(),
            go.key_part()
        ))
    }

    /// The platform that it is built for.
    pub fn platform(&self) -> Platform {
        self.parts().0
    }

    /// The Go release that builds it.
    pub fn go(&self) -> GoVersion {
        self.parts().1
    }

    /// The hash of its identity.
    pub fn hash(&self) -> BuildHash {
        self.parts().2
    }

    /// The path at which the gateway serves its binary.
    pub fn artifact_path(&self) -> String {
        let (platform, go) = (self.platform(), self.go());
        let (goos, goarch) = (platform.goos(), platform.goarch());
        format!("/artifacts/{goos}/{goarch}/{go}/{}", self.hash())
    }

    /// The subject of the log of one claim.
    pub fn log_subject(&self, claim: &ClaimId) -> String {
        format!("{LOGS_SUBJECT_PREFIX}{}.{claim}", self.tail())
    }

    /// The subject filter for the logs of all claims of this build.
    pub fn log_filter(&self) -> String {
        format!("{LOGS_SUBJECT_PREFIX}{}.*", self.tail())
    }

    /// The build and the claim that a log subject belongs to.
    pub fn from_log_subject(subject: &str) -> Option<(Self, ClaimId)> {
        let (tail, claim) = subject
            .strip_prefix(LOGS_SUBJECT_PREFIX)?
            .rsplit_once('.')?;
        Some((format!("build.{tail}").parse().ok()?, claim.parse().ok()?))
    }

    fn tail(&self) -> &str {
        &self.0["build.".len()..]
    }

    fn parts(&self) -> (Platform, GoVersion, BuildHash) {
        split(&self.0).expect("checked when the key was parsed")
    }
}

fn split(text: &str) -> Result<(Platform, GoVersion, BuildHash), &'static str> {
    let parts: Vec<&str> = text.split('.').collect();
    let ["build", goos, goarch, go, hash] = parts[..] else {
        return Err("the form is build.<goos>.<goarch>.<go>.<hash>");
    };
    let goos = goos.parse().map_err(|_| "unknown operating system")?;
    let goarch = goarch.parse().map_err(|_| "unknown architecture")?;
    Ok((
        Platform::new(goos, goarch).map_err(|_| "unsupported platform")?,
        GoVersion::from_key_part(go).map_err(|_| "malformed Go version")?,
        hash.parse()
            .map_err(|_| "the hash is 64 lower-case hex digits")?,
    ))
}

impl FromStr for BuildKey {
    type Err = ParseBuildKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        split(text)
            .map(|_| Self(text.to_owned()))
            .map_err(|problem| ParseBuildKeyError {
                given: text.to_owned(),
                problem,
            })
    }
}

/// Separates a claim from the number of its upload, from the second upload on.
const UPLOAD: &str = "-";

/// The object that holds the binary of one claim: `<key>/<claim>`, or `<key>/<claim>-<n>` where it was uploaded more than
/// once. Written once, never again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArtifactName(String);

validated_string!(
    ArtifactName,
    ParseBuildKeyError,
    r"^build\.[a-z]+\.[a-z0-9]+\.1_[0-9]+_[0-9]+\.[0-9a-f]{64}/[A-Za-z0-9_-]{1,64}$",
    "The object in `artifacts` that holds the binary."
);

impl ArtifactName {
    /// How often a claim uploads its binary at most.
    pub const MAX_UPLOADS: u32 = 4;

    /// The object of this claim of this build.
    pub fn new(key: &BuildKey, claim: &ClaimId) -> Self {
        Self(format!("{key}/{claim}"))
    }

    /// The object of the claim's nth upload, from 1: each has a name of its own.
    pub fn nth(key: &BuildKey, claim: &ClaimId, upload: u32) -> Self {
        if upload <= 1 {
            Self::new(key, claim)
        } else {
            Self(format!("{key}/{claim}{UPLOAD}{upload}"))
        }
    }

    /// The objects that this claim may have written, in the order of its uploads.
    pub fn all(key: &BuildKey, claim: &ClaimId) -> impl Iterator<Item = Self> {
        (1..=Self::MAX_UPLOADS).map(move |upload| Self::nth(key, claim, upload))
    }

    /// The build that the object belongs to.
    pub fn key(&self) -> BuildKey {
        let (key, _) = self
            .0
            .split_once('/')
            .expect("checked when the name was parsed");
        BuildKey(key.to_owned())
    }

    /// Whether it belongs to the build of this key.
    pub fn is_of(&self, key: &str) -> bool {
        let rest = self.0.strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// The claim that made it.
    pub fn claim(&self) -> ClaimId {
        let (_, claim) = self
            .0
            .split_once('/')
            .expect("checked when the name was parsed");
        // Claims are hex digits, so a number after a dash is that of the upload.
        let claim = match claim.rsplit_once(UPLOAD) {
            Some((claim, number)) if number.parse::<u32>().is_ok() => claim,
            Some(_) | None => claim,
        };
        claim.parse().expect("checked when the name was parsed")
    }
}

impl FromStr for ArtifactName {
    type Err = ParseBuildKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reject = |problem| ParseBuildKeyError {
            given: text.to_owned(),
            problem,
        };
        let (key, claim) = text
            .split_once('/')
            .ok_or_else(|| reject("an artifact is <key>/<claim>"))?;
        key.parse::<BuildKey>()?;
        claim
            .parse::<ClaimId>()
            .map_err(|_| reject("malformed claim"))?;
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> BuildKey {
        format!("build.linux.arm64.1_26_8.{}", "ab".repeat(32))
            .parse()
            .unwrap()
    }

    #[test]
    fn round_trips_through_its_parts() {
        assert_eq!(
            BuildKey::new(key().platform(), key().go(), &key().hash()),
            key()
        );
    }

    #[test]
    fn refuses_what_is_not_a_key() {
        let hash = "ab".repeat(32);
        for bad in [
            String::new(),
            format!("build.arm64.linux.1_26_8.{hash}"),
            format!("build.linux.arm64.1.26.8.{hash}"),
            format!("build.windows.s390x.1_26_8.{hash}"),
            format!("build.linux.arm64.1_26_8.{}", &hash[..63]),
            format!("build.linux.arm64.1_26_8.{hash}.x"),
            format!("build.linux.*.1_26_8.{hash}"),
        ] {
            assert!(bad.parse::<BuildKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn log_subjects_lead_back() {
        let claim: ClaimId = "c1".parse().unwrap();
        assert_eq!(
            BuildKey::from_log_subject(&key().log_subject(&claim)),
            Some((key(), claim))
        );
        assert_eq!(BuildKey::from_log_subject("build.logs.x"), None);
    }

    #[test]
    fn artifact_names_lead_back() {
        let name = ArtifactName::new(&key(), &"c1".parse().unwrap());
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
        assert_eq!(name.key(), key());
        assert!(name.is_of(key().as_str()));
        for other in ["", "build.linux.arm64", &key().as_str()[1..]] {
            assert!(!name.is_of(other), "{other}");
        }
        let again = ArtifactName::nth(&key(), &"c1".parse().unwrap(), 2);
        assert_eq!(again.as_str(), format!("{}/c1-2", key()));
        assert_eq!(again.claim(), name.claim());
        assert!(format!("{}/", key()).parse::<ArtifactName>().is_err());
        assert!(format!("{}/a/b", key()).parse::<ArtifactName>().is_err());
    }
}
