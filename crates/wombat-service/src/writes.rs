//! Sees to it that it is known whether NATS stores what it is sent, also while nothing is asked for: something small is written
//! every few seconds.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, error, info};
use wombat_store::{Builders, Connection, Followers};

/// How often.
const LOOK: Duration = Duration::from_secs(5);

/// Starts it; it ends with the followers.
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
    let mut told = None;
    loop {
        looks.tick().await;
        if let Err(error) = builders.acknowledges().await {
            // It is away, or has no leader; others say that.
            debug!(%error, "it isn't known whether writes are acknowledged");
        }
        let problem = connection.unacknowledged();
        match &problem {
            Some(words) if problem != told => error!("{words}"),
            None if told.is_some() => info!("NATS acknowledges writes again"),
            Some(_) | None => {}
        }
        told = problem;
    }
}
