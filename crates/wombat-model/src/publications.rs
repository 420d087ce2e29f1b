//! Grants and results: what the service lets be built, and the binary that came of it.
//!
//! Both are written once, by the service alone. A record may be changed by every builder, so its binary is served only
//! while it agrees with the newest result, or while a grant waits for its result.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Artifact, ArtifactName, Build, BuildState, BuilderId, SandboxLevel, Sha256};

/// A binary, as grants and results name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedBinary {
    /// The object that holds it, whose name has the claim.
    pub artifact: ArtifactName,
    /// Bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub sha256: Sha256,
    /// The builder that made it.
    pub built_by: BuilderId,
    /// How strictly the compilers that made it were sandboxed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxLevel>,
}

impl From<Artifact> for PublishedBinary {
    fn from(artifact: Artifact) -> Self {
        Self {
            artifact: artifact.name,
            size: artifact.size,
            sha256: artifact.sha256,
            built_by: artifact.builder,
            sandbox: artifact.sandbox,
        }
    }
}

impl From<PublishedBinary> for Artifact {
    fn from(binary: PublishedBinary) -> Self {
        Self {
            name: binary.artifact,
            size: binary.size,
            sha256: binary.sha256,
            builder: binary.built_by,
            sandbox: binary.sandbox,
        }
    }
}

impl PublishedBinary {
    fn is(&self, artifact: &Artifact) -> bool {
        *self == Self::from(artifact.clone())
    }
}

/// Permission to build once, written before the record opens the build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The revision of the record that is opened again; 0: there is none. Only later revisions are of this grant.
    pub after: u64,
    /// The newest result before, which is served until this grant has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PublishedBinary>,
    /// Nothing is built or served: the build was removed, or its binary was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// What came of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantResult {
    /// The binary; left out: the build ended without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<PublishedBinary>,
    /// When the build ended, as its record had it.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub finished: Option<OffsetDateTime>,
}

impl GrantResult {
    /// The result of a build that ended like this one, with this binary.
    pub fn of(build: &Build, binary: Option<PublishedBinary>) -> Self {
        Self {
            binary,
            finished: build.finished(),
        }
    }
}

/// The newest grant of a build, and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestGrant {
    /// Its number, from 1.
    pub number: u64,
    /// The grant.
    pub grant: Grant,
    /// When the server stored it.
    pub granted: OffsetDateTime,
    /// Its result; `None`: it has none yet.
    pub result: Option<GrantResult>,
}

/// What is published of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildPublications {
    /// `None`: the service never let it be built.
    pub newest: Option<NewestGrant>,
}

/// How a record compares with what is published of its build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// It names no other binary than the newest result.
    Agrees,
    /// A success whose grant has no result yet: this becomes it.
    First(PublishedBinary),
    /// It ended without a binary, and its grant has no result yet.
    Ended,
    /// It names another binary than the newest result, or is open or finished without a grant.
    Differs,
}

impl NewestGrant {
    /// Whether it waits for its result.
    pub fn is_open(&self) -> bool {
        !self.grant.closed && self.result.is_none()
    }
}

impl BuildPublications {
    /// Number of the newest grant; 0: there is none.
    pub fn number(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.number)
    }

    /// Whether the newest grant waits for its result.
    pub fn is_open(&self) -> bool {
        self.newest.as_ref().is_some_and(NewestGrant::is_open)
    }

    /// Whether the newest grant is for opening the record of this revision, and wasn't used yet.
    pub fn awaits(&self, revision: u64) -> bool {
        let newest = self.newest.as_ref();
        newest.is_some_and(|newest| newest.is_open() && newest.grant.after == revision)
    }

    /// The binary of the newest result.
    pub fn binary(&self) -> Option<&PublishedBinary> {
        let newest = self.newest.as_ref()?;
        match &newest.result {
            Some(result) => result.binary.as_ref(),
            None if newest.grant.closed => None,
            None => newest.grant.previous.as_ref(),
        }
    }

    /// When the build ended that has the newest result, or when it was granted.
    pub fn finished(&self) -> Option<OffsetDateTime> {
        let newest = self.newest.as_ref()?;
        let result = newest.result.as_ref();
        Some(
            result
                .and_then(|result| result.finished)
                .unwrap_or(newest.granted),
        )
    }

    /// The next grant and its number, for the record of this revision.
    pub fn next(&self, after: u64) -> (u64, Grant) {
        let grant = Grant {
            after,
            previous: self.binary().cloned(),
            closed: false,
        };
        (self.number() + 1, grant)
    }

    /// Compares a record of this revision. The publications must have been read after the record.
    pub fn agreement(&self, build: &Build, revision: u64) -> Agreement {
        let Some(newest) = &self.newest else {
            return agrees_if(!is_open(build) && build.artifact().is_none());
        };
        let is_of_grant = revision > newest.grant.after;
        if newest.is_open() && is_of_grant {
            return self.of_open_grant(build);
        }
        let binary = self.binary();
        agrees_if(match build.state() {
            // Behind a grant that is open by now: an older revision.
            BuildState::New { .. } | BuildState::Building { .. } => newest.is_open(),
            BuildState::Success {
                artifact,
                expired: false,
                ..
            } => binary.is_some_and(|binary| binary.is(artifact)),
            // Only the service ends a result, by a closed grant.
            BuildState::Success { expired: true, .. }
            | BuildState::Failed { .. }
            | BuildState::Cancelled { .. } => newest.is_open() || binary.is_none(),
        })
    }

    fn of_open_grant(&self, build: &Build) -> Agreement {
        match build.state() {
            BuildState::New { kept } | BuildState::Building { kept, .. } => {
                agrees_if(kept.as_ref().is_none_or(|kept| {
                    let previous = self.binary();
                    previous.is_some_and(|previous| previous.is(kept))
                }))
            }
            BuildState::Success {
                artifact,
                expired: false,
                ..
            } if artifact.name.key() == build.key() => {
                Agreement::First(PublishedBinary::from(artifact.clone()))
            }
            BuildState::Success { expired: false, .. } => Agreement::Differs,
            BuildState::Success { expired: true, .. }
            | BuildState::Failed { .. }
            | BuildState::Cancelled { .. } => Agreement::Ended,
        }
    }
}

fn is_open(build: &Build) -> bool {
    !build.status().is_terminal()
}

fn agrees_if(agrees: bool) -> Agreement {
    if agrees {
        Agreement::Agrees
    } else {
        Agreement::Differs
    }
}

#[cfg(test)]
mod tests;
