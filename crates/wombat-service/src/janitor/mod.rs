//! The janitor: keeps stored binaries within their limits and consistent with the records.
//!
//! One instance at a time does it, by a lock that expires. If two do it for a moment, nothing breaks: a record is only
//! changed at its revision, and an object is removed only if its record, read from the leader, doesn't name it.

mod compiled;
mod damaged;
mod ended_claims;
mod fingerprint;
mod links;
mod objects;
mod old_records;
mod publications;
mod records;
mod retention;

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use wombat_store::{MendedHints, OrphanChunks, Store, StoreError};

use crate::{ServiceArgs, catalog::Catalog, index::Builds};
use ended_claims::EndedClaims;
use links::Links;
use publications::Publications;
use records::Records;
pub(crate) use retention::Rules;

/// Name of the lock.
const LOCK: &str = "janitor";
/// Lifetime of the lock without renewal, and the time between renewals.
const LEASE: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(5);
/// Delay of the first sweep. It also waits for the index of builds, since both read every record, but no longer than
/// `PATIENCE`.
const FIRST_SWEEP: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_mins(5);
/// Leases after which a builder that stopped uploading has certainly lost its claim.
const LEASES: u32 = 10;
/// A younger hint may belong to a build that is just being opened.
const HINT_AGE: Duration = Duration::from_mins(10);
/// Time between checks of the free room: binaries arrive faster than a sweep could read all of them.
const LOOK: Duration = Duration::from_secs(1);

/// Cleans up until `stop`, while this instance holds the lock.
pub(crate) async fn run(
    store: Store,
    builds: Builds,
    catalog: Catalog,
    args: ServiceArgs,
    stop: CancellationToken,
) {
    let mut janitor = Janitor {
        rules: Rules::of(&args),
        sweep_interval: args.janitor_interval,
        owner: uuid::Uuid::new_v4().simple().to_string(),
        store,
        builds,
        catalog,
        leading: false,
        links: None,
        ended: None,
        records: Records::new(),
        publications: Publications::default(),
        orphans: OrphanChunks::default(),
        renew: Instant::now(),
        // At the start other tasks read all records.
        sweep: Instant::now() + FIRST_SWEEP.min(args.janitor_interval),
    };
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            (key, name) = links::next(&mut janitor.links) => {
                tokio::select! {
                    () = links::tend(&janitor.store, &key, &name) => continue,
                    () = stop.cancelled() => break,
                }
            }
            () = ended_claims::note_next(&mut janitor.ended) => continue,
            () = stop.cancelled() => break,
        }
        let round = tokio::select! {
            round = janitor.round() => round,
            () = stop.cancelled() => break,
        };
        match round {
            Ok(()) => failing = false,
            Err(error) if failing => debug!(%error, "clean-up failed again"),
            Err(error) => {
                warn!(%error, "clean-up failed; retrying");
                failing = true;
            }
        }
    }
    if janitor.leading
        && let Err(error) = janitor
            .store
            .builders
            .release_lock(LOCK, &janitor.owner)
            .await
    {
        debug!(%error, "the janitor's lock will expire by itself");
    }
}

struct Janitor {
    store: Store,
    builds: Builds,
    catalog: Catalog,
    rules: Rules,
    sweep_interval: Duration,
    /// This instance, as the lock names it.
    owner: String,
    leading: bool,
    /// While it leads.
    links: Option<Links>,
    /// While it leads.
    ended: Option<EndedClaims>,
    /// As of the last look.
    records: Records,
    /// As of the last sweep.
    publications: Publications,
    /// Chunks without an object, while they don't change.
    orphans: OrphanChunks,
    renew: Instant,
    sweep: Instant,
}

impl Janitor {
    async fn round(&mut self) -> Result<(), StoreError> {
        if Instant::now() >= self.renew {
            let leading = self
                .store
                .builders
                .hold_lock(LOCK, &self.owner, LEASE)
                .await
                .inspect_err(|_| self.leading = false)?;
            if leading && !self.leading {
                info!("this instance cleans up from now on");
            }
            self.leading = leading;
            self.renew = Instant::now() + RENEWAL;
            if leading {
                compiled::make_room(&self.store).await?;
                if let Some(excess) = old_records::excess(&self.store).await? {
                    self.records.catch_up(&self.store).await?;
                    old_records::make_room(&self.store, &self.rules, &self.records, excess).await?;
                }
            }
        }
        if !self.leading {
            self.records = Records::new();
            self.publications = Publications::default();
            self.orphans = OrphanChunks::default();
            self.links = None;
            self.ended = None;
            return Ok(());
        }
        let ended = self
            .ended
            .get_or_insert_with(|| EndedClaims::follow(&self.store));
        ended.clean(&self.store).await?;
        if self.links.is_none() {
            self.links = Some(Links::follow(&self.store).await?);
        }
        if self.sweep_is_due() {
            self.sweep().await?;
            self.sweep = Instant::now() + self.sweep_interval;
        } else if retention::excess(&self.store, &self.rules).await?.is_some() {
            self.records.catch_up(&self.store).await?;
            self.make_room().await?;
        }
        Ok(())
    }

    async fn make_room(&self) -> Result<(), StoreError> {
        let catalog = self.catalog.snapshot();
        retention::make_room(&self.store, &self.rules, &self.records, &catalog).await
    }

    fn sweep_is_due(&self) -> bool {
        let late = self.sweep.elapsed();
        Instant::now() >= self.sweep && (self.builds.has_caught_up() || late > PATIENCE)
    }

    /// Age up to which an object without a record may belong to an upload: a builder that was silent for ten leases has
    /// lost its claim, so its later writes are refused.
    async fn orphan_age(&self) -> Result<Duration, StoreError> {
        let lease = self.store.builders.longest_lease().await?;
        Ok(self.rules.orphan_age.max(lease * LEASES))
    }

    /// Puts records back before their objects are looked at: what a changed record doesn't name isn't an orphan.
    async fn compare_with_publications(&mut self) -> Result<(), StoreError> {
        self.publications.catch_up(&self.store).await?;
        publications::agree(&self.store, &self.records, &self.publications).await?;
        let now = self.store.builds.now().await?;
        let publications = &mut self.publications;
        publications::tidy(&self.store, &self.records, publications, now).await?;
        self.records.catch_up(&self.store).await
    }

    /// Checks all records and objects.
    async fn sweep(&mut self) -> Result<(), StoreError> {
        let objects = objects::Objects::list(&self.store).await?;
        // After the objects: everything that finished in between has its record here.
        self.records.catch_up(&self.store).await?;
        self.compare_with_publications().await?;
        let records = &self.records;
        let orphan_age = self.orphan_age().await?;
        let now = self.store.artifacts.now().await?;
        let ages = objects::Ages {
            orphan: now - orphan_age,
            result: retention::keeps_results_since(&self.store, &self.rules, now).await?,
        };
        objects::agree(&self.store, ages, &objects, records).await?;
        let now = self.store.builds.now().await?;
        retention::expire_old(&self.store, &self.rules, now, records).await?;
        self.make_room().await?;
        let records = &self.records;
        let open = records.open.iter().cloned();
        let mended = self.store.builds.mend_hints(open, HINT_AGE).await?;
        if mended != MendedHints::default() {
            info!(
                given = mended.given,
                removed = mended.removed,
                "repaired hints of open builds"
            );
        }
        let chunks = self
            .store
            .artifacts
            .remove_orphan_chunks(&mut self.orphans, orphan_age)
            .await?;
        if chunks > 0 {
            info!(chunks, "removed chunks of interrupted uploads");
        }
        Ok(())
    }
}
