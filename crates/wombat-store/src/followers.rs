//! The tasks of a role that follow streams for as long as it runs.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// How long they may take to end once they are asked to: a commit of an index may be under way.
const END_LIMIT: Duration = Duration::from_secs(3);

/// Tasks that follow streams, and have to end before the connection is closed: a stream of a closed connection may not be
/// read any more. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Followers {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Followers {
    /// Those that end with `stop`, if they aren't ended before.
    pub fn until(stop: &CancellationToken) -> Self {
        Self {
            stop: stop.child_token(),
            tasks: TaskTracker::new(),
        }
    }

    /// Cancelled when they have to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// One more. It ends by itself when [`Self::stop`] is cancelled.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Ends all, and waits until they are gone, for three seconds at most.
    pub async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(END_LIMIT, self.tasks.wait())
            .await
            .is_err()
        {
            warn!(
                left = self.tasks.len(),
                "tasks that follow streams didn't end in time"
            );
        }
    }
}
