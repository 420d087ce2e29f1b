//! The steps of a build's life. Each consumes the build, so none is taken twice.

use time::OffsetDateTime;

use super::{Artifact, Build, BuildState, Holder, IllegalTransition, Timings};
use crate::{Failure, FailureClass};

/// How often a build may lose its builder before it fails.
const MAX_ATTEMPTS: u32 = 3;

impl Build {
    /// A free worker takes it.
    pub fn claim(mut self, by: Holder, now: OffsetDateTime) -> Result<Self, IllegalTransition> {
        let BuildState::New { kept } = self.state else {
            return Err(self.illegal("claimed"));
        };
        self.state = BuildState::Building { by, kept };
        self.attempt += 1;
        self.claimed = Some(now);
        Ok(self)
    }

    /// Its holder made the binary. Another digest than the kept binary's is remembered: the same identity
    /// ought to give the same bytes.
    pub fn succeed(
        mut self,
        artifact: Artifact,
        timings: Timings,
        now: OffsetDateTime,
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
        self.finished = Some(now);
        Ok(self)
    }

    /// Its holder couldn't make the binary. One that was served before goes on being served.
    pub fn fail(
        mut self,
        failure: Failure,
        now: OffsetDateTime,
    ) -> Result<Self, IllegalTransition> {
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
        self.finished = Some(now);
        Ok(self)
    }

    /// Somebody stops it.
    pub fn cancel(mut self, now: OffsetDateTime) -> Result<Self, IllegalTransition> {
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
        self.finished = Some(now);
        Ok(self)
    }

    /// Its holder gives it back: it is shutting down, or was cut off. The attempt doesn't count.
    pub fn release(mut self) -> Result<Self, IllegalTransition> {
        let BuildState::Building { kept, .. } = self.state else {
            return Err(self.illegal("released"));
        };
        self.state = BuildState::New { kept };
        self.attempt = self.attempt.saturating_sub(1);
        self.claimed = None;
        Ok(self)
    }

    /// Its holder is dead. The attempt counts, so a build that kills its builders ends.
    pub fn recover(mut self, now: OffsetDateTime) -> Result<Self, IllegalTransition> {
        if self.attempt < MAX_ATTEMPTS {
            let BuildState::Building { kept, .. } = self.state else {
                return Err(self.illegal("recovered"));
            };
            self.state = BuildState::New { kept };
            self.claimed = None;
            return Ok(self);
        }
        let message =
            format!("The builder went away {MAX_ATTEMPTS} times in the middle of this build.");
        self.fail(Failure::new(FailureClass::Lost, message), now)
    }

    /// Somebody asks again. `None`: the record answers as it stands.
    #[must_use]
    pub fn request_again(
        mut self,
        force: bool,
        catalog_revision: u64,
        now: OffsetDateTime,
    ) -> Option<Self> {
        let kept = match self.state {
            BuildState::Success { expired: true, .. } | BuildState::Cancelled { .. } => None,
            BuildState::Success { artifact, .. } if force => Some(artifact),
            BuildState::Failed { failure, .. } if force || !failure.class.is_final() => None,
            BuildState::New { .. }
            | BuildState::Building { .. }
            | BuildState::Success { .. }
            | BuildState::Failed { .. } => return None,
        };
        self.state = BuildState::New { kept };
        self.attempt = 0;
        self.catalog_revision = catalog_revision;
        self.requested = now;
        self.claimed = None;
        self.finished = None;
        self.timings = Timings::new();
        self.last_error = None;
        Some(self)
    }

    /// Retention removes the binary.
    pub fn expire(mut self) -> Result<Self, IllegalTransition> {
        let BuildState::Success { expired, .. } = &mut self.state else {
            return Err(self.illegal("expired"));
        };
        *expired = true;
        Ok(self)
    }

    fn illegal(&self, step: &'static str) -> IllegalTransition {
        IllegalTransition {
            from: self.status(),
            step,
        }
    }
}
