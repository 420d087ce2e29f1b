//! The life of a claim: win it, build, upload, finish, and log how it ends.
//!
//! [`claim_log`] writes to `BUILD_LOGS`, [`log_shape`] keeps the log within its limit, [`upload`] stores the binary in
//! the object store, and [`ending`] writes the end to the record, after the log is stored: the record names the log's
//! last message. [`scopes`] has the limits of a build, [`interruption`] what stops it before its end.

mod claim_log;
mod ending;
mod interruption;
mod log_shape;
mod scopes;
mod upload;

use std::{sync::Arc, time::Duration};

use rand::Rng as _;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, info, info_span, warn};
use wombat_go::{BuildError, Product, Scope, Workshop, report::Reporter};
use wombat_model::{
    Build, BuildSpec, BuilderId, FailureClass, Platform, SandboxLevel, Status, log::Phase,
    this_machine,
};
use wombat_store::{Claim, ClaimOutcome, Revision, Store, Versioned};

use crate::{
    counters::Counters, force_stop, last_seen::LastSeen, limits::Limits, prebuilt::Prebuilt,
    presence::ActiveClaims, requested_targets::RequestedTargets,
};
use claim_log::ClaimLog;
use ending::{Ending, Patience};
use interruption::Cause;
use upload::{Uploaded, upload};

/// Time limit for a build's last log lines: as long as the election of a stream leader takes.
const LOG_FLUSH: Duration = Duration::from_secs(10);

/// What all workers of a builder share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) store: Store,
    pub(crate) workshop: Workshop,
    pub(crate) builder: BuilderId,
    pub(crate) limits: Limits,
    pub(crate) claims: ActiveClaims,
    pub(crate) counters: Counters,
    /// Set while the lease may have expired.
    pub(crate) fenced: watch::Receiver<bool>,
    /// Cancelled when the builder stops claiming.
    pub(crate) stop: CancellationToken,
    /// Cancelled when builds must be given back at once.
    pub(crate) force_stop: CancellationToken,
    /// Number of workers that build, or are about to claim.
    pub(crate) busy: watch::Sender<usize>,
    /// Products that were built before a client requested them.
    pub(crate) prebuilt: Prebuilt,
    /// Targets of the builds that clients requested.
    pub(crate) requested: RequestedTargets,
}

/// Counts a worker as busy until it is dropped.
struct Busy<'a>(&'a watch::Sender<usize>);

impl<'a> Busy<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The outcome of a try.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The build doesn't wait at this revision any more: this builder or another one claimed it.
    Over(Revision),
    /// NATS didn't answer; whether the build is claimed is unknown.
    NoAnswer,
}

impl Worker {
    /// Tries to claim a build after a short random pause, and handles the claim to its end.
    pub(crate) async fn work(
        self: Arc<Self>,
        record: Versioned<Build>,
        pause: Duration,
        mut seen: watch::Receiver<LastSeen>,
    ) -> Outcome {
        let revision = record.revision;
        // The timer's grain is a millisecond, which a pause of zero would wait for.
        if !pause.is_zero() {
            let pause = rand::rng().random_range(Duration::ZERO..pause);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = seen.wait_for(|seen| seen.revision > revision) => return Outcome::Over(revision),
                () = self.stop.cancelled() => return Outcome::Over(revision),
            }
        }
        let _busy = Busy::new(&self.busy);
        match self.store.builds.claim(record, &self.builder).await {
            Ok(ClaimOutcome::Won(claim)) => {
                self.counters.won();
                let span = info_span!("build", key = %claim.key(), claim = %claim.id());
                Box::pin(self.hold(*claim, seen)).instrument(span).await;
                Outcome::Over(revision)
            }
            Ok(ClaimOutcome::Lost) => {
                self.counters.lost();
                Outcome::Over(revision)
            }
            Err(error) => {
                warn!(%error, "can't claim a build");
                Outcome::NoAnswer
            }
        }
    }

    async fn hold(&self, claim: Claim, mut seen: watch::Receiver<LastSeen>) {
        let _listed = self.claims.add(claim.key().clone(), claim.id().clone());
        let (reporter, reports) = Reporter::new();
        let mut log = ClaimLog::start(&self.store.logs, &claim, self.limits.all.log, reports);
        let names = &self.workshop.settings().names;
        let reporter = reporter.hiding(names.clone());
        let spec = claim.build().spec().clone();
        info!(attempt = claim.build().attempt(), "claimed");

        let scope = self.scope(self.workshop.origin(&spec), &reporter);
        let begun = Instant::now();
        let made = {
            let making = self.make(&claim, &spec, &scope, &reporter);
            tokio::pin!(making);
            tokio::select! {
                made = &mut making => Ok(made),
                cause = Cause::of(self.fenced.clone(), &self.force_stop, claim.revision(), &mut seen) => {
                    scope.stop.cancel();
                    // Another builder may start only after this build has ended.
                    drop(making.await);
                    Err(cause)
                }
            }
        };
        drop((scope, reporter));
        let status = self.conclude(claim, made, &mut log, &mut seen).await;
        info!(
            ?status,
            seconds = begun.elapsed().as_secs_f64(),
            "the claim is over"
        );
        log.finish(status.unwrap_or(Status::Cancelled), self.log_flush())
            .await;
    }

    fn log_flush(&self) -> Duration {
        if self.force_stop.is_cancelled() {
            force_stop::FINAL_WRITES
        } else {
            LOG_FLUSH
        }
    }

    /// Stores the whole log, and returns the position of its end. `None` if that takes too long, or the builder is
    /// forced to stop. While NATS is unavailable the record can't be written either, so waiting costs nothing.
    async fn seal(&self, log: &mut ClaimLog, status: Status) -> Option<Revision> {
        let sealed = async {
            loop {
                let place = log.seal(status, LOG_FLUSH).await;
                if place.is_some() || self.store.builds.now().await.is_ok() {
                    return place;
                }
            }
        };
        let place = tokio::select! {
            place = sealed => place,
            () = force_stop::time_is_up(&self.force_stop) => None,
        };
        if place.is_none() {
            warn!("the end of the log isn't stored in time; ending the build without it");
        }
        place
    }

    /// The platform whose finished binaries this builder may run: this machine's, if its sandbox is strict enough.
    pub(crate) fn runs_binaries_for(&self) -> Option<Platform> {
        let level = self.workshop.settings().sandbox.level();
        (level == SandboxLevel::Namespaces)
            .then(|| this_machine().parse().ok())
            .flatten()
    }

    /// Builds and uploads.
    async fn make(
        &self,
        claim: &Claim,
        spec: &BuildSpec,
        scope: &Scope,
        reporter: &Reporter,
    ) -> Result<Uploaded, BuildError> {
        let product = match self.built_ahead(claim, scope).await? {
            Some(product) => {
                reporter.line("Built ahead, since it was in a client's basket.");
                product
            }
            None => self.workshop.build(spec, scope).await?,
        };
        reporter.phase(Phase::Upload, None);
        let is_blocked = self.workshop.refuse_blocked(&product, scope).await;
        let uploaded = match is_blocked.and_then(|()| product.check_size(scope.output_limit)) {
            Ok(()) => {
                let product = (&product, self.workshop.origin(spec));
                let uploading = upload(&self.store.artifacts, claim, product, reporter);
                scope.limit(uploading).await
            }
            Err(error) => Err(error),
        };
        product.remove().await;
        uploaded?
    }

    /// The product of a build ahead, for the first attempt only: a rebuild must build again.
    async fn built_ahead(
        &self,
        claim: &Claim,
        scope: &Scope,
    ) -> Result<Option<Product>, BuildError> {
        if claim.build().attempt() > 1 {
            return Ok(None);
        }
        tokio::select! {
            product = self.prebuilt.take(claim.key()) => Ok(product),
            () = scope.stop.cancelled() => Err(BuildError::Stopped),
        }
    }

    /// Writes the end to the log, then to the record. Returns the status that the claim ended with.
    async fn conclude(
        &self,
        claim: Claim,
        made: Result<Result<Uploaded, BuildError>, Cause>,
        log: &mut ClaimLog,
        seen: &mut watch::Receiver<LastSeen>,
    ) -> Option<Status> {
        let (ending, uploaded) = match made {
            Ok(Ok(uploaded)) => (
                Ending::Success(
                    Box::new(uploaded.artifact.clone()),
                    uploaded.timings.clone(),
                ),
                Some(uploaded),
            ),
            Ok(Err(BuildError::Failed(failure))) => {
                match failure.class {
                    FailureClass::Internal => {
                        warn!(
                            message = failure.message,
                            "failed through a fault of the builder"
                        );
                    }
                    class => info!(?class, message = failure.message, "failed"),
                }
                let names = &self.workshop.settings().names;
                (Ending::Failure(failure.hiding(names)), None)
            }
            Ok(Err(BuildError::Stopped)) | Err(Cause::Fenced | Cause::ForceStop) => {
                (Ending::Release, None)
            }
            Err(Cause::Foreign(status)) => return status,
        };
        let key = claim.key().clone();
        let log_end = self.seal(log, ending.status(claim.build())).await;
        let patience = Patience {
            force_stop: &self.force_stop,
            seen,
            ours: claim.revision(),
        };
        let record = ending
            .write(&self.store.builds, &self.builder, claim, log_end, patience)
            .await;
        if let (Some(uploaded), Some(_)) = (&uploaded, &record) {
            upload::publish(&self.store, &key, &uploaded.artifact.name).await;
        }
        if record.is_none() {
            info!("the claim was lost; its result is dropped");
        }
        record
            .map(|record| record.value.status())
            .or(seen.borrow().status)
    }
}
