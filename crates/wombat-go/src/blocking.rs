//! Runs work that blocks, such as with files, off the threads of the runtime.

use std::{future::pending, panic::resume_unwind};

use tokio::task::spawn_blocking;

/// Runs `work` in a thread that may block. It runs to its end even if this future is dropped.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down, and drops this task, too.
            Err(_) => pending().await,
        },
    }
}
