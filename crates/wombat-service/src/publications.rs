//! Writes the result of a build as soon as its record ends, and puts records back that were changed without permission.
//! What is missed while no service runs, the janitor does at its next sweep.

use std::time::Duration;

use tokio::{task::JoinSet, time::sleep};
use tracing::{debug, warn};
use wombat_model::Build;
use wombat_store::{Followers, Settled, Store, StoreError, Versioned, WatchEvent};

/// Writes before the start that are read: builds may have ended while this service restarted.
const RECENT: u64 = 200;
/// Records that are settled concurrently: one that differs is looked at twice, with a pause in between.
const AT_ONCE: usize = 512;
/// How often a record is tried while its leader is away, and the wait in between.
const TRIES: u32 = 10;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Follows the records of builds until the followers end.
pub(crate) fn start(store: &Store, followers: &Followers) {
    let store = store.clone();
    let stop = followers.stop().clone();
    followers.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = follow(&store) => {}
        }
    });
}

async fn follow(store: &Store) {
    let mut watcher = store.builds.watch_open(RECENT);
    let mut settling = JoinSet::new();
    loop {
        tokio::select! {
            event = watcher.next(), if settling.len() < AT_ONCE => match event {
                WatchEvent::Value { record, .. } if record.value.status().is_terminal() => {
                    settling.spawn(settle(store.clone(), record));
                }
                // Those that claim to be open are compared by the janitor.
                WatchEvent::Value { .. }
                | WatchEvent::Removed { .. }
                | WatchEvent::Unreadable { .. }
                | WatchEvent::Ready
                | WatchEvent::Reset => {}
            },
            Some(settled) = settling.join_next() => {
                if let Err(failure) = settled {
                    warn!(%failure, "the task that settles a build failed");
                }
            }
        }
    }
}

async fn settle(store: Store, record: Versioned<Build>) {
    let key = record.value.key();
    for _ in 0..TRIES {
        match store.settle_seen(record.clone()).await {
            Ok(Settled::Agrees | Settled::Concluded | Settled::PutBack(_) | Settled::Changed) => {
                return;
            }
            Err(StoreError::Unavailable(problem)) => {
                debug!(%key, problem, "a build can't be settled yet; retrying");
                sleep(RETRY_AFTER).await;
            }
            Err(error) => {
                warn!(%key, %error, "a build can't be settled; the janitor tries again");
                return;
            }
        }
    }
}
