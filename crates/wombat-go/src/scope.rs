//! The limits of a build, and why it was stopped.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wombat_model::{Failure, FailureClass};

use crate::{error::BuildError, limit::Limit, report::Reporter};

/// Most bytes that a child may print on standard error: twice the longest log.
pub(super) const MAX_COMPLAINTS: usize = 8 * 1024 * 1024;

/// The limits of a build, and its cancellation.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Cancel this to stop the build at once.
    pub stop: CancellationToken,
    /// When it times out.
    pub deadline: Instant,
    /// The whole time limit, for the message.
    pub time_limit: Limit<Duration>,
    /// Memory limit of all children together, in bytes.
    pub memory_limit: u64,
    /// Size limit of a file in bytes; the largest is the binary.
    pub output_limit: Limit<u64>,
    /// Most processes at a time.
    pub process_limit: u32,
    /// Most packages to compile at a time.
    pub parallelism: usize,
    /// `nice` value of the children.
    pub niceness: i32,
    /// Where it reports to.
    pub reporter: Reporter,
}

/// Why a child was stopped.
pub(super) enum StopReason {
    Asked,
    TimeIsUp,
    PrintedTooMuch,
}

impl Scope {
    /// Resolves when the build has to stop.
    pub(super) async fn over(&self) -> StopReason {
        tokio::select! {
            () = self.stop.cancelled() => StopReason::Asked,
            () = tokio::time::sleep_until(self.deadline) => StopReason::TimeIsUp,
        }
    }

    /// Runs other work under the same limits.
    pub async fn limit<T>(&self, work: impl Future<Output = T>) -> Result<T, BuildError> {
        tokio::select! {
            done = work => Ok(done),
            why = self.over() => Err(self.stopped(&why)),
        }
    }

    pub(super) fn stopped(&self, why: &StopReason) -> BuildError {
        match why {
            StopReason::Asked => BuildError::Stopped,
            StopReason::TimeIsUp => {
                let seconds = self.time_limit.most().as_secs();
                let limit = if seconds < 120 {
                    format!("{seconds} seconds")
                } else {
                    format!("{} minutes", seconds / 60)
                };
                let whose = self.time_limit.whose();
                let message =
                    format!("The build took longer than {limit}, which is the limit{whose}.");
                Failure::new(FailureClass::Resource, message).into()
            }
            StopReason::PrintedTooMuch => {
                let message = format!(
                    "The build printed more than {} MiB, which is the limit.",
                    MAX_COMPLAINTS >> 20
                );
                Failure::new(FailureClass::Resource, message).into()
            }
        }
    }
}
