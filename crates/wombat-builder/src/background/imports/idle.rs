//! Builds have priority over imports.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::worker::Worker;

/// Longest time that a package waits for its builder to be idle: imports go on in a fleet that is never idle.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);
/// How often a package is stopped for a build. Compiled packages stay compiled, so little is lost each time; but a
/// package that takes long must end at some time.
pub(super) const MOST_INTERRUPTIONS: u32 = 2;

/// Resolves when the builder builds nothing, or at `until`.
pub(super) async fn until_idle(worker: &Worker, until: Instant) {
    let mut busy = worker.busy.subscribe();
    tokio::select! {
        // Never fails: the sender lives as long as the worker.
        _ = busy.wait_for(|count| *count == 0) => {}
        () = sleep_until(until) => {}
    }
}

/// Resolves when a build begins.
pub(super) async fn until_build(worker: &Worker) {
    let mut busy = worker.busy.subscribe();
    drop(busy.wait_for(|count| *count > 0).await);
}
