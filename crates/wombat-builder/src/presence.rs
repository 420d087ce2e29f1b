//! Publishes that this builder is alive, and notices when that fails.
//!
//! A builder that couldn't renew its lease for two thirds of it must assume that others will soon count it as dead, so
//! it stops its builds before they do.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{ActiveClaim, BuildKey, BuilderId, ClaimId, Presence, SandboxLevel, Template};
use wombat_store::Builders;

use crate::{lanes::Lanes, until::until};

/// Shortest time between two changes; renewals are sent in addition.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// Time limit for removing the presence at the end.
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);

/// The presence of an idle builder with these workers.
pub(crate) fn idle_with(
    builder: &BuilderId,
    host: String,
    lanes: Lanes,
    lease: Duration,
) -> Presence {
    Presence {
        catalog_workers: u32::try_from(lanes.reserved()).unwrap_or(u32::MAX),
        ..idle(builder, host, lanes.workers(), lease)
    }
}

/// The same of one that keeps no worker for the catalog.
pub(crate) fn idle(builder: &BuilderId, host: String, workers: usize, lease: Duration) -> Presence {
    Presence {
        builder: builder.clone(),
        host,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        workers: u32::try_from(workers).unwrap_or(u32::MAX),
        catalog_workers: 0,
        active: Vec::new(),
        go: None,
        sandbox: SandboxLevel::None,
        templates: Template::KNOWN.to_vec(),
        draining: false,
        problem: None,
        lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Builds that this builder holds.
#[derive(Clone, Debug)]
pub(crate) struct ActiveClaims(watch::Sender<BTreeMap<BuildKey, ClaimId>>);

/// Removes a claim from the list when it is dropped.
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

/// Renews the presence of this builder.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    pub(crate) builders: Builders,
    /// The presence, except for `active`, `draining` and `problem`.
    pub(crate) presence: Presence,
    pub(crate) lease: Duration,
    pub(crate) claims: ActiveClaims,
    /// Cancelled when the builder stops claiming.
    pub(crate) draining: CancellationToken,
    /// Why the builder claims nothing, if not for `draining`.
    pub(crate) problem: watch::Receiver<Option<String>>,
    /// Set while the lease may have expired, and before the first one.
    pub(crate) fenced: watch::Sender<bool>,
}

impl Heartbeat {
    /// Renews the lease until `end`, then removes the presence.
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
                    warn!("can't renew the lease; stopping builds");
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
            // The lease counts from the request, not from the answer.
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
                Err(_) => warn!("renewing the lease timed out"),
            }
        }
        let left = self.builders.leave(&self.presence.builder);
        match timeout(GOODBYE_LIMIT, left).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "can't remove this builder's presence; it will expire"),
            Err(_) => warn!("NATS doesn't answer; this builder's presence will expire"),
        }
    }
}
