//! The tasks of a role that use its connection while it runs.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

/// How long they may take to end after cancellation: a commit of an index may be under way.
const END_LIMIT: Duration = Duration::from_secs(3);

/// Tasks that use a connection, most of which follow streams. They must end before the connection is closed, since
/// streams of a closed connection may not be read. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Followers {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Followers {
    /// Tasks that end with `stop`, unless [`Self::end`] is called before.
    pub fn until(stop: &CancellationToken) -> Self {
        Self {
            stop: stop.child_token(),
            tasks: TaskTracker::new(),
        }
    }

    /// Cancelled when the tasks must end.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts a task, which must end when [`Self::stop`] is cancelled.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Ends all tasks, and waits for that, three seconds at most.
    pub async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(END_LIMIT, self.tasks.wait())
            .await
            .is_err()
        {
            warn!(
                left = self.tasks.len(),
                "tasks that use the connection didn't end in time"
            );
        }
    }
}
