//! Writes something small every few seconds, so that NATS not acknowledging writes is noticed even without requests.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, error, info};
use wombat_store::{Builders, Connection, Followers};

/// Time between writes.
const LOOK: Duration = Duration::from_secs(5);

/// Starts the writes; they end with the followers.
pub(crate) fn watch(connection: &Connection, builders: &Builders, followers: &Followers) {
    let (connection, builders) = (connection.clone(), builders.clone());
    let stop = followers.stop().clone();
    followers.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = look(&connection, &builders) => {}
        }
    });
}

async fn look(connection: &Connection, builders: &Builders) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reported = None;
    loop {
        looks.tick().await;
        if let Err(error) = builders.acknowledges().await {
            // NATS is away or has no leader, which is reported elsewhere.
            debug!(%error, "can't check whether writes are acknowledged");
        }
        let problem = connection.unacknowledged();
        match &problem {
            Some(words) if problem != reported => error!("{words}"),
            None if reported.is_some() => info!("NATS acknowledges writes again"),
            Some(_) | None => {}
        }
        reported = problem;
    }
}
