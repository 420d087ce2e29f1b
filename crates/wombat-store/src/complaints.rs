//! What can't be read is said once, not by every follower and at every start of one.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::warn;

use crate::{Connection, Revision};

/// Most writes that are remembered; beyond that the oldest are said again.
const MOST: usize = 10_000;

/// Unreadable writes that the log tells of already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaints(Arc<Mutex<BTreeSet<(u64, String)>>>);

impl Connection {
    /// Says in the log that the value of `key`, written at `revision`, can't be read, unless it was said before.
    pub(crate) fn complain(&self, key: &str, revision: Revision, problem: &str) {
        let mut said = self
            .complaints
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !said.insert((revision.get(), key.to_owned())) {
            return;
        }
        if said.len() > MOST {
            said.pop_first();
        }
        drop(said);
        warn!(
            key,
            revision = revision.get(),
            problem,
            "a value can't be read and is left out; `wombat doctor` says what to do"
        );
    }
}
