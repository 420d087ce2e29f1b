//! The steps of a build's life. Each consumes the build, so none is taken twice.

use super::{Artifact, Build, BuildState, Holder, IllegalTransition, TimeField, Timings};
use crate::{Failure, FailureClass, log::LogEnd};

/// How often a build may lose its builder before it fails.
const MAX_ATTEMPTS: u32 = 3;

/// What asking again may start anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// What may turn out otherwise: it failed for a passing reason, was cancelled, or its binary is gone.
    Passing,
    /// Also what failed through the user's or the package's fault: that was long enough ago.
    Rested,
    /// Everything that is finished.
    Forced,
}

impl Build {
    /// A free worker takes it.
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

    /// All that its holder has to say is stored; the last message of it stands at `last`. Only a build that is held has such
    /// a log: elsewhere nothing changes.
    #[must_use]
    pub fn with_log_end(mut self, last: u64) -> Self {
        if let BuildState::Building { by, .. } = &self.state {
            let claim = by.claim.clone();
            self.log = Some(LogEnd { claim, last });
        }
        self
    }

    /// Its holder made the binary. Another digest than the kept binary's is remembered: the same identity
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

    /// Its holder couldn't make the binary. One that was served before goes on being served.
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

    /// Somebody stops it.
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
            format!("The builder went away {MAX_ATTEMPTS} times in the middle of this build.");
        self.fail(Failure::new(FailureClass::Lost, message))
    }

    /// The build is asked for again. `None`: the record answers as it stands.
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
