//! Builds have priority over imports.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::worker::Worker;

/// Longest time that a package waits for its builder to be idle: imports go on in a fleet that is never idle.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);
/// How often a package is stopped for a build. Compiled packages stay compiled, so little is lost each time; but a
/// package that takes long must end at some time.
const MOST_INTERRUPTIONS: u32 = 2;

/// Whether a package that begins now is stopped for a build: unless it was stopped often enough, or begins although
/// builds run, since its patience is over.
pub(super) fn gives_way(interruptions: u32, builds: usize) -> bool {
    interruptions < MOST_INTERRUPTIONS && builds == 0
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_begins_beside_builds_is_not_stopped_by_them() {
        assert!(gives_way(0, 0));
        assert!(gives_way(MOST_INTERRUPTIONS - 1, 0));
        assert!(!gives_way(MOST_INTERRUPTIONS, 0));
        assert!(!gives_way(0, 1));
    }
}
