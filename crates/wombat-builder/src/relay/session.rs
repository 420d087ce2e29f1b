//! One build's way through the relay.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{asked::Asked, kept::Kept};

/// Builds that fetch now, by their token.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Arc<Mutex<State>>>>);

/// What a build was served.
#[derive(Debug, Default)]
struct State {
    served: Vec<Asked>,
    trouble: Option<String>,
}

impl Sessions {
    pub(super) fn begin(self: &Arc<Self>, port: u16, kept: Kept) -> RelaySession {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let state = Arc::default();
        lock(&self.0).insert(token.clone(), Arc::clone(&state));
        RelaySession {
            token,
            port,
            state,
            kept,
            sessions: Arc::clone(self),
        }
    }

    /// The build with this token.
    pub(super) fn find(&self, token: &str) -> Option<Notes> {
        lock(&self.0).get(token).cloned().map(Notes)
    }
}

/// What is to be told to a build.
#[derive(Clone, Debug)]
pub(super) struct Notes(Arc<Mutex<State>>);

impl Notes {
    pub(super) fn served(&self, asked: Asked) {
        lock(&self.0).served.push(asked);
    }

    /// The first trouble is what the others come from.
    pub(super) fn trouble(&self, words: &str) {
        lock(&self.0)
            .trouble
            .get_or_insert_with(|| words.to_owned());
    }
}

/// One build's way through the relay; its address is good until this is dropped.
#[derive(Debug)]
pub(crate) struct RelaySession {
    token: String,
    port: u16,
    state: Arc<Mutex<State>>,
    kept: Kept,
    sessions: Arc<Sessions>,
}

impl RelaySession {
    /// What to give to `go` as its proxy.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, self.token)
    }

    /// The one port that `go` has to reach.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What kept an answer from coming, if anything did since the last time this was asked.
    pub(crate) fn take_trouble(&self) -> Option<String> {
        lock(&self.state).trouble.take()
    }

    /// `go` could do nothing with what it was served. Next time it is fetched anew.
    pub(crate) fn forget_served(&self) {
        let served = std::mem::take(&mut lock(&self.state).served);
        for asked in &served {
            self.kept.forget(asked.path());
        }
    }
}

impl Drop for RelaySession {
    fn drop(&mut self) {
        lock(&self.sessions.0).remove(&self.token);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while it was held leaves at worst a note less.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
