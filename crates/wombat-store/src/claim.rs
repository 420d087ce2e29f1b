//! The right to build. Only a won race makes a [`Claim`], and every way to end one consumes it.

use wombat_model::{Build, BuildKey, ClaimId, Holder};

use crate::{Revision, Versioned};

/// Proof that this process holds a build: code that has a `Claim` has won the race for it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a dropped claim leaves its build in `building` until it is recovered"]
pub struct Claim {
    key: BuildKey,
    build: Build,
    holder: Holder,
    revision: Revision,
}

impl Claim {
    pub(crate) fn won(key: BuildKey, build: Versioned<Build>, holder: Holder) -> Self {
        Self {
            key,
            build: build.value,
            holder,
            revision: build.revision,
        }
    }

    pub(crate) fn into_seen(self) -> (BuildKey, Versioned<Build>) {
        (
            self.key,
            Versioned {
                value: self.build,
                revision: self.revision,
            },
        )
    }

    /// The record that ends this claim will name this sequence as the last one of its log.
    pub fn with_log_end(self, last: Revision) -> Self {
        Self {
            build: self.build.with_log_end(last.get()),
            ..self
        }
    }

    /// The build's name.
    pub fn key(&self) -> &BuildKey {
        &self.key
    }

    /// The record as it was claimed.
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// The nonce of this claim.
    pub fn id(&self) -> &ClaimId {
        &self.holder.claim
    }

    /// Who holds it.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The revision that the claim wrote; any later one means that it is lost.
    pub fn revision(&self) -> Revision {
        self.revision
    }
}

/// Outcome of a try to claim.
#[derive(Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// This builder has it.
    Won(Box<Claim>),
    /// Another builder was first, or the build isn't waiting any more.
    Lost,
}

/// Outcome of a try to end a claim.
#[derive(Debug, PartialEq, Eq)]
pub enum FinishOutcome {
    /// The record was written.
    Done(Box<Versioned<Build>>),
    /// The claim was lost before: the build was cancelled or recovered. The result must be dropped.
    Fenced,
}
