//! State that a build's session shares with the connections of its helpers.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Semaphore, watch};

use super::{fetches::Fetches, fleet::Fleet, id::ActionId, lists::Lists, local::Found};

/// Most results that are fetched for the helpers of one build at a time. `go` requests one for each package that it
/// works on, and waits for it; it works on one package per processor, of which a builder has fewer than this.
pub(super) const MOST_GETS: usize = 256;

/// A session, as its tasks and its helpers' connections see it.
#[derive(Debug)]
pub(super) struct SharedSession {
    pub(super) fleet: Option<Fleet>,
    pub(super) fetches: Fetches,
    /// A permit for each result that may be fetched for its helpers at the same time.
    pub(super) gets: Arc<Semaphore>,
    pub(super) connections: watch::Sender<usize>,
    pub(super) state: Mutex<SessionState>,
}

#[derive(Debug, Default)]
pub(super) struct SessionState {
    pub(super) broken: bool,
    pub(super) asked: Vec<ActionId>,
    known: HashSet<ActionId>,
    pub(super) made: usize,
    pub(super) lists: Option<Lists>,
}

impl SharedSession {
    pub(super) fn new(fleet: Option<Fleet>, fetches: Fetches) -> Self {
        Self {
            fleet,
            fetches,
            gets: Arc::new(Semaphore::new(MOST_GETS)),
            connections: watch::Sender::new(0),
            state: Mutex::default(),
        }
    }

    pub(super) fn connect(self: &Arc<Self>) -> HelperConnection {
        self.connections.send_modify(|count| *count += 1);
        HelperConnection(Arc::clone(self))
    }

    pub(super) async fn get(&self, action: ActionId) -> Option<Found> {
        self.fleet.as_ref()?.get(action).await
    }
}

/// A helper's connection; counts as open until this is dropped.
#[derive(Debug)]
pub(super) struct HelperConnection(Arc<SharedSession>);

impl HelperConnection {
    pub(super) fn shared(&self) -> Arc<SharedSession> {
        Arc::clone(&self.0)
    }

    /// The helper stored a new result.
    pub(super) fn made(&self) {
        self.0.state.lock().made += 1;
    }

    /// The helper ended normally; `asked` are the results that `go` requested.
    pub(super) fn ended(&self, asked: Vec<ActionId>) {
        let mut state = self.0.state.lock();
        for action in asked {
            if state.known.insert(action) {
                state.asked.push(action);
            }
        }
    }
}

impl Drop for HelperConnection {
    fn drop(&mut self) {
        self.0.connections.send_modify(|count| *count -= 1);
    }
}

/// Sessions of running builds, by token.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Arc<SharedSession>>>);

impl Sessions {
    pub(super) fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<SharedSession>>> {
        self.0.lock()
    }

    pub(super) fn remove(&self, token: &str) {
        self.all().remove(token);
    }
}
