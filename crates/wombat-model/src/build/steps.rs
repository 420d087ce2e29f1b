//! The steps of a build's life. Each consumes the build, so none is taken twice.

use super::{Artifact, Build, BuildState, Holder, IllegalTransition, TimeField, Timings};
use crate::{Failure, FailureClass, log::LogEnd};

/// How often a build may lose its builder before it fails.
const MAX_ATTEMPTS: u32 = 3;
/// Why a build without a result failed.
const TAMPERED: &str = "The record of this build was changed without permission, so no binary is served. Request the build again.";

/// Which finished builds a new request starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Builds whose result may change: they failed for a temporary reason, were cancelled, or their binary is gone.
    Passing,
    /// Also builds that failed because of the request or a package, since that was long enough ago.
    Rested,
    /// All finished builds.
    Forced,
}

impl Build {
    /// A worker claims it.
    pub fn claim(mut self, by: Holder) -> Result<Self, IllegalTransition> {
        let BuildState::New { kept } = self.state else {
            return Err(self.illegal("claimed"));
        };
        self.state = BuildState::Building { by, kept };
        self.attempt += 1;
        self.claimed = Some(self.since());
        self.message_time = Some(TimeField::Claimed);
        Ok(self)
    }

    /// Its holder's log is complete, and its last message has this sequence. Changes nothing unless the build is held.
    #[must_use]
    pub fn with_log_end(mut self, last: u64) -> Self {
        if let BuildState::Building { by, .. } = &self.state {
            let claim = by.claim.clone();
            self.log = Some(LogEnd { claim, last });
        }
        self
    }

    /// Its holder made the binary. The digest of the kept binary is remembered if it differs: the same identity
    /// ought to give the same bytes.
    pub fn succeed(
        mut self,
        artifact: Artifact,
        timings: Timings,
    ) -> Result<Self, IllegalTransition> {
        let BuildState::Building { by, kept } = self.state else {
            return Err(self.illegal("finished"));
        };
        self.other_sha256 = kept
            .map(|old| old.sha256)
            .filter(|old| *old != artifact.sha256);
        self.state = BuildState::Success {
            by,
            artifact,
            expired: false,
        };
        self.timings = timings;
        self.last_error = None;
        Ok(self.ends_now())
    }

    /// Its holder couldn't make the binary. An earlier binary is still served.
    pub fn fail(mut self, failure: Failure) -> Result<Self, IllegalTransition> {
        let BuildState::Building { by, kept } = self.state else {
            return Err(self.illegal("finished"));
        };
        self.state = match kept {
            Some(artifact) => {
                self.last_error = Some(failure.message);
                BuildState::Success {
                    by,
                    artifact,
                    expired: false,
                }
            }
            None => BuildState::Failed { by, failure },
        };
        Ok(self.ends_now())
    }

    /// A client cancels it.
    pub fn cancel(mut self) -> Result<Self, IllegalTransition> {
        self.state = match self.state {
            BuildState::New {
                kept: Some(artifact),
            } => BuildState::Success {
                by: artifact.maker(),
                artifact,
                expired: false,
            },
            BuildState::Building {
                by,
                kept: Some(artifact),
            } => {
                self.last_error = Some("The rebuild was cancelled.".to_owned());
                BuildState::Success {
                    by,
                    artifact,
                    expired: false,
                }
            }
            BuildState::New { kept: None } => BuildState::Cancelled { by: None },
            BuildState::Building { by, kept: None } => BuildState::Cancelled { by: Some(by) },
            BuildState::Success { .. }
            | BuildState::Failed { .. }
            | BuildState::Cancelled { .. } => {
                return Err(self.illegal("cancelled"));
            }
        };
        Ok(self.ends_now())
    }

    /// Its holder gives it back: it is shutting down, or was cut off. The attempt doesn't count.
    pub fn release(mut self) -> Result<Self, IllegalTransition> {
        let BuildState::Building { kept, .. } = self.state else {
            return Err(self.illegal("released"));
        };
        self.state = BuildState::New { kept };
        self.attempt = self.attempt.saturating_sub(1);
        self.claimed = None;
        self.message_time = None;
        self.log = None;
        Ok(self)
    }

    /// Its holder is dead. The attempt counts, so a build that kills its builders ends.
    pub fn recover(mut self) -> Result<Self, IllegalTransition> {
        if self.attempt < MAX_ATTEMPTS {
            let BuildState::Building { kept, .. } = self.state else {
                return Err(self.illegal("recovered"));
            };
            self.state = BuildState::New { kept };
            self.claimed = None;
            self.message_time = None;
            return Ok(self);
        }
        let message =
            format!("The builder died or lost NATS {MAX_ATTEMPTS} times during this build.");
        self.fail(Failure::new(FailureClass::Lost, message))
    }

    /// The build is requested again. `None`: the answer is the record as it is.
    #[must_use]
    pub fn request_again(mut self, retry: Retry, catalog_revision: u64) -> Option<Self> {
        let force = retry == Retry::Forced;
        let kept = match self.state {
            BuildState::Success { expired: true, .. } | BuildState::Cancelled { .. } => None,
            BuildState::Success { artifact, .. } if force => Some(artifact),
            BuildState::Failed { failure, .. }
                if !failure.class.is_final() || retry != Retry::Passing =>
            {
                None
            }
            BuildState::New { .. }
            | BuildState::Building { .. }
            | BuildState::Success { .. }
            | BuildState::Failed { .. } => return None,
        };
        self.state = BuildState::New { kept };
        self.attempt = 0;
        self.catalog_revision = catalog_revision;
        self.requested = self.since();
        self.message_time = Some(TimeField::Requested);
        self.claimed = None;
        self.finished = None;
        self.timings = Timings::new();
        self.last_error = None;
        self.log = None;
        Some(self)
    }

    /// Retention removes the binary.
    pub fn expire(mut self) -> Result<Self, IllegalTransition> {
        let BuildState::Success { expired, .. } = &mut self.state else {
            return Err(self.illegal("expired"));
        };
        *expired = true;
        self.message_time = None;
        Ok(self)
    }

    /// The record was changed without permission: it is a success with the binary of the newest result again, or failed
    /// if there is none. `expired`: that binary was removed.
    #[must_use]
    pub fn put_back(mut self, binary: Option<Artifact>, expired: bool) -> Self {
        // Nothing that an intruder wrote keeps this version from writing the record.
        self.lost = None;
        self.last_error = None;
        self.other_sha256 = None;
        self.state = match (binary, self.holder().cloned()) {
            (Some(artifact), _) => BuildState::Success {
                by: artifact.maker(),
                artifact,
                expired,
            },
            (None, Some(by)) => BuildState::Failed {
                by,
                failure: Failure::new(FailureClass::Tampered, TAMPERED),
            },
            (None, None) => {
                self.last_error = Some(TAMPERED.to_owned());
                BuildState::Cancelled { by: None }
            }
        };
        let holder = self.holder().map(|by| by.claim.clone());
        self.log = self.log.filter(|log| Some(&log.claim) == holder.as_ref());
        if self.finished.is_some() {
            self.message_time = None;
            self
        } else {
            self.ends_now()
        }
    }

    fn ends_now(mut self) -> Self {
        self.finished = Some(self.since());
        self.message_time = Some(TimeField::Finished);
        self
    }

    fn illegal(&self, step: &'static str) -> IllegalTransition {
        IllegalTransition {
            from: self.status(),
            step,
        }
    }
}
