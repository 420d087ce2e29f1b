//! One follower of all logs, which passes each line on to the sessions of its build. A session that is too slow misses lines
//! here and reads them from the stream.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, broadcast, watch};
use wombat_model::{BuildKey, log::LogEvent, wire::LoggedEntry};
use wombat_store::{Followers, Logged, Logs, LogsEvent, LogsState, Revision};

/// Lines that a session may lag behind before it has to read them from the stream.
const CAPACITY: usize = 256;
/// Phases of all builds that a receiver may lag behind before it misses some.
const PHASES: usize = 1024;
/// Entries of a backlog that are read at once.
const PAGE: usize = 256;
/// Backlogs that are read at once: each takes a consumer, and a stream has room for few.
const READS: usize = 32;
/// How long reading a page may take.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// Pause between attempts to read from the stream.
const RETRY: Duration = Duration::from_millis(500);

/// A line of a log, written as JSON once for all clients.
#[derive(Debug)]
pub(crate) struct LogLine {
    pub(crate) logged: Logged,
    /// The data of its event.
    pub(crate) json: String,
}

impl LogLine {
    pub(crate) fn new(logged: Logged) -> Self {
        let json = serde_json::to_string(&LoggedEntry {
            sequence: logged.sequence.get(),
            claim: logged.claim.clone(),
            entry: logged.entry.clone(),
        })
        .expect("an entry came from JSON and goes back");
        Self { logged, json }
    }
}

/// What the receiver of a log gets.
#[derive(Clone, Debug)]
pub(crate) enum LogSignal {
    /// The next line.
    Line(Arc<LogLine>),
    /// The stream is another one.
    Reset,
}

/// Passes lines on to their receivers.
#[derive(Debug)]
pub(crate) struct LogHub {
    logs: Logs,
    followers: Mutex<HashMap<BuildKey, broadcast::Sender<LogSignal>>>,
    phases: broadcast::Sender<LogSignal>,
    ready: watch::Sender<bool>,
    reads: Semaphore,
}

impl LogHub {
    /// Starts the follower; it ends with the others.
    pub(crate) fn start(logs: &Logs, followers: &Followers) -> Arc<Self> {
        let hub = Arc::new(Self {
            logs: logs.clone(),
            followers: Mutex::default(),
            phases: broadcast::Sender::new(PHASES),
            ready: watch::Sender::default(),
            reads: Semaphore::new(READS),
        });
        let reader = Arc::clone(&hub);
        let stop = followers.stop().clone();
        followers.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = reader.run() => {}
            }
        });
        hub
    }

    async fn run(&self) {
        let mut follower = self.logs.follow_all(self.state().await.last);
        loop {
            match follower.next().await {
                LogsEvent::Entry(logged) => self.hand_out(logged),
                LogsEvent::CaughtUp => {
                    self.ready.send_replace(true);
                }
                LogsEvent::Reset => self.reset(),
            }
        }
    }

    fn hand_out(&self, logged: Logged) {
        let follower = self.followers.lock().get(&logged.key).cloned();
        let phases = (is_phase(&logged.entry.event)).then_some(&self.phases);
        if follower.is_none() && phases.is_none() {
            return;
        }
        let signal = LogSignal::Line(Arc::new(LogLine::new(logged)));
        for sender in follower.iter().chain(phases) {
            // Fails if the last receiver has just gone.
            drop(sender.send(signal.clone()));
        }
    }

    /// Follows the phases of all builds from now on: claims, phases, and ends.
    pub(crate) fn phases(&self) -> broadcast::Receiver<LogSignal> {
        self.phases.subscribe()
    }

    fn reset(&self) {
        for follower in self.followers.lock().values() {
            drop(follower.send(LogSignal::Reset));
        }
        drop(self.phases.send(LogSignal::Reset));
    }

    /// Whether the follower has caught up with the stream.
    pub(crate) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// The first and last entry of the stream; tries until it can be read.
    pub(crate) async fn state(&self) -> LogsState {
        loop {
            match self.logs.state().await {
                Ok(state) => return state,
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    /// The next entries of a log after a revision, and whether there are no more; tries until they can be read.
    pub(crate) async fn backlog(&self, key: &BuildKey, after: Revision) -> (Vec<Logged>, bool) {
        loop {
            let permit = self.reads.acquire().await;
            let reading = self.logs.read(key, after, PAGE);
            let read = tokio::time::timeout(READ_LIMIT, reading).await;
            drop(permit);
            match read {
                Ok(Ok(page)) => return page,
                Ok(Err(_)) | Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    /// Follows one log from now on; earlier lines have to be read from the stream.
    pub(crate) fn follow(self: &Arc<Self>, key: &BuildKey) -> LineFollower {
        let receiver = self
            .followers
            .lock()
            .entry(key.clone())
            .or_insert_with(|| broadcast::Sender::new(CAPACITY))
            .subscribe();
        LineFollower {
            receiver: Some(receiver),
            key: key.clone(),
            hub: Arc::clone(self),
        }
    }
}

/// Whether an event tells how far a build is, and not what it prints.
fn is_phase(event: &LogEvent) -> bool {
    match event {
        LogEvent::Claimed { .. } | LogEvent::Phase { .. } | LogEvent::End { .. } => true,
        LogEvent::Lines { .. } | LogEvent::Gap { .. } => false,
    }
}

/// Receives the lines of one log.
#[derive(Debug)]
pub(crate) struct LineFollower {
    /// `None` only while it is dropped.
    receiver: Option<broadcast::Receiver<LogSignal>>,
    key: BuildKey,
    hub: Arc<LogHub>,
}

impl LineFollower {
    /// The next line. `None`: lines were missed, and have to be read from the stream. Safe to drop between polls.
    pub(crate) async fn next(&mut self) -> Option<LogSignal> {
        match self.receiver.as_mut()?.recv().await {
            Ok(signal) => Some(signal),
            Err(broadcast::error::RecvError::Lagged(_)) => None,
            // The hub is gone, and the process with it.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Drop for LineFollower {
    fn drop(&mut self) {
        drop(self.receiver.take());
        let mut followers = self.hub.followers.lock();
        if let Some(sender) = followers.get(&self.key)
            && sender.receiver_count() == 0
        {
            followers.remove(&self.key);
        }
    }
}
