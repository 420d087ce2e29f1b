//! The life of one claim: win it, build, upload, finish; and however it ends, say so in its log.
//!
//! [`claim_log`] writes what happens into `BUILD_LOGS`, which [`log_shape`] keeps within its limit, [`upload`] brings the
//! binary into the object store, and [`ending`] writes the last word into the record, once the log is stored: the record
//! names its last message.

mod claim_log;
mod ending;
mod log_shape;
mod upload;

use std::{sync::Arc, time::Duration};

use rand::Rng as _;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, info, info_span, warn};
use wombat_model::{
    Build, BuildSpec, BuilderId, FailureClass, Platform, SandboxLevel, Status, log::Phase,
    this_machine,
};
use wombat_store::{Claim, ClaimOutcome, Revision, Store, Versioned};

use crate::{
    ahead::Ahead,
    counters::Counters,
    go::{BuildError, Product, Scope, Workshop},
    hurry,
    intake::Seen,
    presence::ActiveClaims,
    report::Reporter,
    warm::AskedTargets,
};
use claim_log::ClaimLog;
use ending::{Ending, Patience};
use upload::{Uploaded, upload};

/// Builds run below everybody else, so that leases are renewed even on a machine that is all compilers.
const NICENESS: i32 = 10;
/// What nobody asked for runs below that.
const IDLE_NICENESS: i32 = 19;
/// How long a build's last log lines may take once the build is over: as long as electing a leader of their stream does.
const LOG_FLUSH: Duration = Duration::from_secs(10);

/// Bounds on one build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) time: Duration,
    pub(crate) memory: u64,
    pub(crate) output: u64,
    pub(crate) processes: u32,
    pub(crate) log: u64,
    pub(crate) parallelism: usize,
}

/// What all workers of a builder share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) store: Store,
    pub(crate) workshop: Workshop,
    pub(crate) builder: BuilderId,
    pub(crate) limits: Limits,
    pub(crate) claims: ActiveClaims,
    pub(crate) counters: Counters,
    /// Set while the lease is in doubt.
    pub(crate) fenced: watch::Receiver<bool>,
    /// Cancelled when nothing new is to be claimed.
    pub(crate) stop: CancellationToken,
    /// Cancelled when builds have to be given back at once.
    pub(crate) hurry: CancellationToken,
    /// How many workers are at a build, or about to claim one.
    pub(crate) busy: watch::Sender<usize>,
    /// What was built before it was asked for.
    pub(crate) ahead: Ahead,
    /// What people ask for.
    pub(crate) asked: AskedTargets,
}

/// One more worker is busy, for as long as this lives.
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

/// What became of a try.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// What was waiting at this revision isn't any more: we had it, or somebody else was faster.
    Over(Revision),
    /// NATS didn't answer; nobody knows whether we have it.
    NoAnswer,
}

/// Why a build was stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Somebody else wrote the record: cancelled, or taken from us. With its status, if the record still exists.
    Foreign(Option<Status>),
    /// Others may soon count us as dead.
    Fenced,
    /// This builder stops.
    Hurry,
}

impl Worker {
    /// Tries to claim a build after a short random pause, and sees it through to its end.
    pub(crate) async fn work(
        self: Arc<Self>,
        record: Versioned<Build>,
        pause: Duration,
        mut seen: watch::Receiver<Seen>,
    ) -> Outcome {
        let revision = record.revision;
        let pause = if pause.is_zero() {
            pause
        } else {
            rand::rng().random_range(Duration::ZERO..pause)
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = seen.wait_for(|seen| seen.revision > revision) => return Outcome::Over(revision),
            () = self.stop.cancelled() => return Outcome::Over(revision),
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
                warn!(%error, "can't claim");
                Outcome::NoAnswer
            }
        }
    }

    async fn hold(&self, claim: Claim, mut seen: watch::Receiver<Seen>) {
        let _listed = self.claims.add(claim.key().clone(), claim.id().clone());
        let (reporter, reports) = Reporter::new();
        let mut log = ClaimLog::start(&self.store.logs, &claim, self.limits.log, reports);
        let spec = claim.build().spec().clone();
        info!(attempt = claim.build().attempt(), "claimed");

        let scope = self.scope(&reporter);
        let begun = Instant::now();
        let made = {
            let making = self.make(&claim, &spec, &scope, &reporter);
            tokio::pin!(making);
            tokio::select! {
                made = &mut making => Ok(made),
                cause = self.interrupted(claim.revision(), &mut seen) => {
                    scope.stop.cancel();
                    // Only now that nothing of it runs any more may somebody else begin.
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
        if self.hurry.is_cancelled() {
            hurry::LAST_WORDS
        } else {
            LOG_FLUSH
        }
    }

    /// Stores all of a log, and says where its end stands. `None`: it took too long, or the builder has to end. While NATS is
    /// away the record can't be written either, so that waiting costs nothing.
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
            () = hurry::is_over(&self.hurry) => None,
        };
        if place.is_none() {
            warn!("the end of a log isn't stored in time; its build is ended without it");
        }
        place
    }

    /// The platform whose finished binaries are run here: this machine's, if they can be kept from everything.
    pub(crate) fn runs_binaries_for(&self) -> Option<Platform> {
        let level = self.workshop.settings().sandbox.level();
        (level == SandboxLevel::Namespaces)
            .then(|| this_machine().parse().ok())
            .flatten()
    }

    /// For what is built while nothing waits: below every build, and nobody listens.
    pub(crate) fn idle_scope(&self) -> Scope {
        Scope {
            niceness: IDLE_NICENESS,
            ..self.scope(&Reporter::new().0)
        }
    }

    fn scope(&self, reporter: &Reporter) -> Scope {
        Scope {
            stop: CancellationToken::new(),
            deadline: Instant::now() + self.limits.time,
            time_limit: self.limits.time,
            memory_limit: self.limits.memory,
            output_limit: self.limits.output,
            process_limit: self.limits.processes,
            parallelism: self.limits.parallelism,
            niceness: NICENESS,
            reporter: reporter.clone(),
        }
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
                reporter.line("It was built ahead, when somebody had it in the basket.");
                product
            }
            None => self.workshop.build(spec, scope).await?,
        };
        reporter.phase(Phase::Upload, None);
        scope
            .limit(upload(&self.store.artifacts, claim, product, reporter))
            .await?
    }

    /// What there is of a build before its first claim. Who asks again wants it made anew.
    async fn built_ahead(
        &self,
        claim: &Claim,
        scope: &Scope,
    ) -> Result<Option<Product>, BuildError> {
        if claim.build().attempt() > 1 {
            return Ok(None);
        }
        tokio::select! {
            product = self.ahead.take(claim.key()) => Ok(product),
            () = scope.stop.cancelled() => Err(BuildError::Stopped),
        }
    }

    /// Resolves when the build must not go on.
    async fn interrupted(&self, ours: Revision, seen: &mut watch::Receiver<Seen>) -> Cause {
        let mut fenced = self.fenced.clone();
        tokio::select! {
            cause = foreign(seen, ours) => cause,
            Ok(_) = fenced.wait_for(|fenced| *fenced) => Cause::Fenced,
            () = self.hurry.cancelled() => Cause::Hurry,
        }
    }

    /// Writes the end into the log, then into the record. The status that the claim ended with.
    async fn conclude(
        &self,
        claim: Claim,
        made: Result<Result<Uploaded, BuildError>, Cause>,
        log: &mut ClaimLog,
        seen: &mut watch::Receiver<Seen>,
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
                        warn!(message = failure.message, "failed through our own fault");
                    }
                    class => info!(?class, message = failure.message, "failed"),
                }
                (Ending::Failure(failure), None)
            }
            Ok(Err(BuildError::Stopped)) | Err(Cause::Fenced | Cause::Hurry) => {
                (Ending::Release, None)
            }
            Err(Cause::Foreign(status)) => return status,
        };
        let key = claim.key().clone();
        let log_end = self.seal(log, ending.status(claim.build())).await;
        let patience = Patience {
            hurry: &self.hurry,
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

async fn foreign(seen: &mut watch::Receiver<Seen>, ours: Revision) -> Cause {
    let newer = seen
        .wait_for(|seen| seen.revision > ours)
        .await
        .map(|seen| *seen);
    match newer {
        Ok(seen) => Cause::Foreign(seen.status),
        Err(_) => std::future::pending().await,
    }
}
