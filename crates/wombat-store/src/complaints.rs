//! Logs each unreadable value once, not for every follower and every start of one.

use std::{collections::BTreeSet, sync::Arc};

use parking_lot::Mutex;
use tracing::warn;

use crate::Revision;

/// Most writes that are remembered; the oldest ones beyond that are logged again.
const MOST: usize = 10_000;

/// Unreadable writes that were logged already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaints(Arc<Mutex<BTreeSet<(u64, String)>>>);

impl Complaints {
    /// Logs that the value of `key`, written at `revision`, can't be read, unless that was logged before.
    pub(crate) fn say(&self, key: &str, revision: Revision, problem: &str) {
        let mut said = self.0.lock();
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
            "ignoring an unreadable value; `wombat doctor` says what to do"
        );
    }
}
