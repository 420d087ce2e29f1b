//! Contains panics of background work: they are logged at once, and the builder goes on without the work.

use std::{any::Any, panic::AssertUnwindSafe};

use futures::FutureExt as _;
use tokio::task::JoinSet;
use tracing::error;

/// Background work, which ends when this is dropped. A panic ends only the work that panics.
#[derive(Debug, Default)]
pub(crate) struct ContainedTasks(JoinSet<()>);

impl ContainedTasks {
    /// Starts work, which the log calls `name` if it panics.
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.0.spawn(contained(name, work));
    }

    /// Whether no work is left: neither running nor to be joined.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits until one of them ends. `None`: no work is left.
    pub(crate) async fn join_next(&mut self) -> Option<()> {
        self.0.join_next().await.map(drop)
    }
}

/// Runs `work` to its end. A panic ends only this work, and is logged under its name when it happens: the builder waits
/// for its background work only when it stops.
async fn contained(name: &'static str, work: impl Future<Output = ()>) {
    // What the work alone held is dropped; what it shared with the builder is reset by guards, or valid at any time.
    if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
        error!(
            work = name,
            problem = message(&*panic),
            "background work panicked; the builder continues without it"
        );
    }
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        io,
        sync::{Arc, Mutex},
    };

    use tokio::sync::oneshot;

    use super::*;

    /// The log of a test.
    #[derive(Clone, Debug, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn work_that_panics_is_named_at_once_and_other_work_goes_on() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let (end, ended) = oneshot::channel::<()>();
        let mut background = ContainedTasks::default();
        background.spawn("lint", poll_fn(|_| panic!("no such pipeline")));
        background.spawn("imports", async { drop(ended.await) });
        background.join_next().await.unwrap();
        let text = log.text();
        let names_it = text.contains("ERROR") && text.contains("\"lint\"");
        assert!(names_it, "{text}");
        assert!(text.contains("no such pipeline"), "{text}");
        assert!(!background.is_empty(), "the other work goes on");
        end.send(()).unwrap();
        background.join_next().await.unwrap();
        assert!(background.is_empty());
        assert!(!log.text().contains("imports"), "{}", log.text());
    }
}
