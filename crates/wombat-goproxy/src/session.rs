//! The sessions of builds.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use tracing::warn;

use super::{cache::Cache, query::Query};

/// Most queries to remember of a session. A build that fetches everything for the first time sends five thousand.
const MOST_SERVED: usize = 20_000;

/// The sessions of running builds, by token.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Arc<Mutex<Record>>>>);

/// What happened in a session.
#[derive(Debug, Default)]
struct Record {
    /// Its last queries.
    served: VecDeque<Query>,
    trouble: Option<String>,
}

impl Sessions {
    pub(super) fn begin(self: &Arc<Self>, port: u16, cache: Cache) -> RelaySession {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let state = Arc::default();
        self.0.lock().insert(token.clone(), Arc::clone(&state));
        RelaySession {
            token,
            port,
            state,
            cache,
            sessions: Arc::clone(self),
        }
    }

    /// The build with this token.
    pub(super) fn find(&self, token: &str) -> Option<Notes> {
        self.0.lock().get(token).cloned().map(Notes)
    }
}

/// Records what happens in a session.
#[derive(Clone, Debug)]
pub(super) struct Notes(Arc<Mutex<Record>>);

impl Notes {
    pub(super) fn served(&self, query: Query) {
        let mut record = self.0.lock();
        // `go` can't use one of the last.
        if record.served.len() == MOST_SERVED {
            record.served.pop_front();
        }
        record.served.push_back(query);
    }

    /// Only the first one is kept, since it caused the others.
    pub(super) fn trouble(&self, words: &str) {
        self.0
            .lock()
            .trouble
            .get_or_insert_with(|| words.to_owned());
    }
}

/// One build's access to the relay; its address is valid until this is dropped.
#[derive(Debug)]
pub struct RelaySession {
    token: String,
    port: u16,
    state: Arc<Mutex<Record>>,
    cache: Cache,
    sessions: Arc<Sessions>,
}

impl RelaySession {
    /// The value of `GOPROXY`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, self.token)
    }

    /// The only port that `go` must be able to reach.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Why the module proxy failed, if it did since the last call.
    pub fn take_trouble(&self) -> Option<String> {
        self.state.lock().trouble.take()
    }

    /// Removes the stored answers that `go` was served, since it couldn't use them.
    pub async fn forget_served(&self) {
        let served = std::mem::take(&mut self.state.lock().served);
        let cache = self.cache.clone();
        let removed = tokio::task::spawn_blocking(move || {
            for query in &served {
                cache.forget(query.path());
            }
        });
        if let Err(error) = removed.await {
            warn!(%error, "can't remove the answers that a build was served");
        }
    }
}

impl Drop for RelaySession {
    fn drop(&mut self) {
        self.sessions.0.lock().remove(&self.token);
    }
}
