//! The lock under which one process upgrades: two would delete each other's work.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{debug, info};

use super::UpgradeError;
use crate::{Builders, Connection};

/// Name of the lock.
const NAME: &str = "upgrade";
/// Lifetime without renewal, and the time between renewals.
const LEASE: Duration = Duration::from_secs(4);
const RENEWAL: Duration = Duration::from_secs(1);
/// Pause between attempts to take it.
const PAUSE: Duration = Duration::from_millis(500);

/// Does `work` under the lock, which is taken until `until`. If the lock is lost, the work is dropped.
pub(super) async fn under_lock(
    connection: &Connection,
    bucket: &'static str,
    until: Instant,
    work: impl Future<Output = Result<(), UpgradeError>>,
) -> Result<(), UpgradeError> {
    let builders = Builders::open(connection).await;
    let builders = builders.map_err(UpgradeError::of(bucket))?;
    let owner = uuid::Uuid::new_v4().simple().to_string();
    take(
        &builders,
        &owner,
        bucket,
        until.max(Instant::now() + LEASE * 2),
    )
    .await?;
    let done = tokio::select! {
        done = work => done,
        () = keep(&builders, &owner) => Err(UpgradeError::Locked(bucket)),
    };
    if let Err(error) = builders.release_lock(NAME, &owner).await {
        debug!(%error, "the lock of the upgrade will expire by itself");
    }
    done
}

async fn take(
    builders: &Builders,
    owner: &str,
    bucket: &'static str,
    until: Instant,
) -> Result<(), UpgradeError> {
    let mut is_logged = false;
    loop {
        let taken = builders.hold_lock(NAME, owner, LEASE).await;
        if taken.map_err(UpgradeError::of(bucket))? {
            return Ok(());
        }
        if Instant::now() + PAUSE > until {
            return Err(UpgradeError::Locked(bucket));
        }
        if !is_logged {
            info!(
                bucket,
                "another process has begun this upgrade; waiting for it"
            );
            is_logged = true;
        }
        sleep(PAUSE).await;
    }
}

/// Renews the lock; ends when it is lost.
async fn keep(builders: &Builders, owner: &str) {
    let mut renewed = Instant::now();
    while renewed.elapsed() < LEASE {
        sleep(RENEWAL).await;
        let begun = Instant::now();
        match builders.hold_lock(NAME, owner, LEASE).await {
            Ok(true) => renewed = begun,
            Ok(false) => return,
            Err(error) => debug!(%error, "the lock of the upgrade isn't renewed"),
        }
    }
}
