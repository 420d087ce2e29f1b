//! Says that this builder is alive, and notices when nobody can hear it any more.
//!
//! A builder that couldn't renew its lease for two thirds of it must take for granted that others will soon count
//! it as dead, so it stops building before they do.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{ActiveClaim, BuildKey, ClaimId, Presence};
use wombat_store::Builders;

/// Changes are told at most this often; renewals come besides.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// How long the last word may take.
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);

/// Builds that this builder holds.
#[derive(Clone, Debug)]
pub(crate) struct ActiveClaims(watch::Sender<BTreeMap<BuildKey, ClaimId>>);

/// Takes a claim off the list when it is dropped.
#[derive(Debug)]
pub(crate) struct Listed {
    claims: ActiveClaims,
    key: BuildKey,
}

impl ActiveClaims {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }

    pub(crate) fn add(&self, key: BuildKey, claim: ClaimId) -> Listed {
        self.0
            .send_modify(|claims| drop(claims.insert(key.clone(), claim)));
        Listed {
            claims: self.clone(),
            key,
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.claims
            .0
            .send_modify(|claims| drop(claims.remove(&self.key)));
    }
}

/// Keeps the presence of one builder alive.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    pub(crate) builders: Builders,
    /// What is told, but for `active`, `draining` and `problem`.
    pub(crate) presence: Presence,
    pub(crate) lease: Duration,
    pub(crate) claims: ActiveClaims,
    /// Cancelled when nothing new is claimed.
    pub(crate) draining: CancellationToken,
    /// Why nothing new is claimed, if not for `draining`.
    pub(crate) problem: watch::Receiver<Option<String>>,
    /// Set while the lease is in doubt, and before the first one.
    pub(crate) fenced: watch::Sender<bool>,
}

impl Heartbeat {
    /// Renews until `end`, then says goodbye.
    pub(crate) async fn run(mut self, end: CancellationToken) {
        let mut ticks = interval(self.lease / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut claims = self.claims.0.subscribe();
        let mut renewed: Option<Instant> = None;
        let mut told_draining = false;
        loop {
            let doubtful = renewed.map(|at| at + self.lease * 2 / 3);
            let quiet_until = renewed.map_or_else(Instant::now, |at| at + MIN_PAUSE);
            tokio::select! {
                () = end.cancelled() => break,
                _ = ticks.tick() => {}
                () = until(doubtful), if !*self.fenced.borrow() => {
                    warn!("the lease can't be renewed; builds are stopped");
                    self.fenced.send_replace(true);
                    continue;
                }
                _ = claims.changed() => tokio::select! {
                    () = end.cancelled() => break,
                    () = tokio::time::sleep_until(quiet_until) => {}
                    () = until(doubtful) => continue,
                    _ = ticks.tick() => {}
                },
                () = self.draining.cancelled(), if !told_draining => told_draining = true,
                Ok(()) = self.problem.changed() => {}
            }
            let begun = Instant::now();
            self.presence
                .problem
                .clone_from(&self.problem.borrow_and_update());
            self.presence.draining =
                self.draining.is_cancelled() || self.presence.problem.is_some();
            self.presence.active = claims
                .borrow_and_update()
                .iter()
                .map(|(id, claim)| ActiveClaim {
                    id: id.clone(),
                    claim: claim.clone(),
                })
                .collect();
            // The lease counts from when we asked, not from when the answer came.
            match timeout(
                self.lease / 3,
                self.builders.renew(&self.presence, self.lease),
            )
            .await
            {
                Ok(Ok(())) => {
                    let first = renewed.replace(begun).is_none();
                    if self.fenced.send_replace(false) && !first {
                        info!("the lease is renewed again");
                    }
                }
                Ok(Err(error)) => warn!(%error, "can't renew the lease"),
                Err(_) => warn!("renewing the lease takes too long"),
            }
        }
        let left = self.builders.leave(&self.presence.builder);
        match timeout(GOODBYE_LIMIT, left).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "can't say goodbye; the lease will run out"),
            Err(_) => warn!("NATS doesn't answer: can't say goodbye; the lease will run out"),
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
