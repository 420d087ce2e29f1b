//! The end of a claim: written once, with as many attempts as it takes.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use wombat_model::{Artifact, Build, BuilderId, Failure, Status, Timings};
use wombat_store::{Builds, Claim, ClaimOutcome, FinishOutcome, Revision, StoreError, Versioned};

use crate::{force_stop, last_seen::LastSeen};

/// Pause between attempts while NATS is unavailable.
const PAUSE: Duration = Duration::from_millis(500);

/// How a claim ends.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// With this binary.
    Success(Box<Artifact>, Timings),
    /// Without one.
    Failure(Failure),
    /// The build is given back; the attempt doesn't count.
    Release,
}

/// When to stop retrying.
pub(super) struct Patience<'a> {
    pub(super) force_stop: &'a CancellationToken,
    pub(super) seen: &'a mut watch::Receiver<LastSeen>,
    /// The revision that the claim wrote.
    pub(super) ours: Revision,
}

impl Ending {
    /// The status of the build afterwards.
    pub(super) fn status(&self, held: &Build) -> Status {
        match self {
            Self::Success(..) => Status::Success,
            // The binary from before a rebuild is still served.
            Self::Failure(_) if held.artifact().is_some() => Status::Success,
            Self::Failure(_) => Status::Failed,
            Self::Release => Status::New,
        }
    }

    /// Writes the end to the record, with the position of the log's end if that is known. `None` if the claim is lost,
    /// or NATS is unavailable.
    pub(super) async fn write(
        self,
        builds: &Builds,
        builder: &BuilderId,
        claim: Claim,
        log_end: Option<Revision>,
        patience: Patience<'_>,
    ) -> Option<Versioned<Build>> {
        let Patience {
            force_stop,
            seen,
            ours,
        } = patience;
        tokio::select! {
            record = self.write_until_known(builds, builder, claim, log_end) => record,
            // A later revision may be this builder's own write, so the revision alone doesn't tell; the other branch
            // reads the record.
            () = force_stop::time_is_up(force_stop) => {
                warn!(ours = ours.get(), last_seen = seen.borrow().revision.get(), "NATS is unavailable; leaving the build to other builders");
                None
            }
        }
    }

    async fn write_until_known(
        self,
        builds: &Builds,
        builder: &BuilderId,
        claim: Claim,
        log_end: Option<Revision>,
    ) -> Option<Versioned<Build>> {
        let (key, id) = (claim.key().clone(), claim.id().clone());
        let mut claim = Some(claim);
        loop {
            let attempt = match claim.take() {
                Some(claim) => {
                    let claim = match log_end {
                        Some(place) => claim.with_log_end(place),
                        None => claim,
                    };
                    self.clone().write_once(builds, claim).await
                }
                None => match builds.get(&key).await {
                    Ok(Some(record)) if record.value.is_held_by(&id) => {
                        match builds.adopt(record, builder) {
                            ClaimOutcome::Won(ours) => {
                                claim = Some(*ours);
                                continue;
                            }
                            ClaimOutcome::Lost => return None,
                        }
                    }
                    // An earlier attempt succeeded after all.
                    Ok(Some(record))
                        if record.value.holder().is_some_and(|by| by.claim == id)
                            && record.value.status().is_terminal() =>
                    {
                        return Some(record);
                    }
                    Ok(_) => return None,
                    Err(error) => Err(error),
                },
            };
            match attempt {
                Ok(FinishOutcome::Done(record)) => return Some(*record),
                Ok(FinishOutcome::Fenced) => return None,
                Err(error) => {
                    warn!(%error, "can't write the end of a claim; trying again");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn write_once(self, builds: &Builds, claim: Claim) -> Result<FinishOutcome, StoreError> {
        match self {
            Self::Success(artifact, timings) => builds.succeed(claim, *artifact, timings).await,
            Self::Failure(failure) => builds.fail(claim, failure).await,
            Self::Release => builds.release(claim).await,
        }
    }
}
