//! Fetches from the fleet in the background of a build.

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Fetches that outlive the helper, and even the build, that requested them: the next build needs the results, too.
/// They end with the server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Fetches {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Fetches {
    /// Starts a fetch, unless all were ended.
    pub(super) fn spawn(&self, fetch: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(stop.run_until_cancelled_owned(fetch));
    }

    /// Cancels all fetches.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Cancels all fetches, and waits until none runs any more.
    pub(super) async fn end(&self) {
        self.stop();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::Arc};

    use super::*;

    #[tokio::test]
    async fn nothing_is_fetched_any_more_once_the_fetches_have_ended() {
        let fetches = Fetches::default();
        let held = Arc::new(());
        let without_end = || {
            let held = Arc::clone(&held);
            async move {
                pending::<()>().await;
                drop(held);
            }
        };
        fetches.spawn(without_end());
        fetches.spawn(without_end());
        fetches.end().await;
        assert_eq!(Arc::strong_count(&held), 1, "what they held is dropped");
        fetches.spawn(without_end());
        fetches.end().await;
        assert_eq!(Arc::strong_count(&held), 1, "it is too late to begin");
    }
}
