//! Logs each unreadable value once, not for every follower and every start of one.

use std::{collections::BTreeSet, sync::Arc};

use parking_lot::Mutex;
use tracing::{error, warn};

use crate::Revision;

/// Most writes that are remembered; the oldest ones beyond that are logged again.
const MOST: usize = 10_000;

/// What follows where a value can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It counts as missing.
    Ignored,
    /// No build is accepted.
    BuildsRefused,
}

/// Unreadable writes that were logged already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaints(Arc<Mutex<BTreeSet<(u64, String)>>>);

impl Complaints {
    /// Logs that the value of `key`, written at `revision`, can't be read, unless that was logged before.
    pub(crate) fn say(
        &self,
        key: &str,
        revision: Revision,
        problem: &str,
        consequence: Consequence,
    ) {
        let (mut said, revision) = (self.0.lock(), revision.get());
        if !said.insert((revision, key.to_owned())) {
            return;
        }
        if said.len() > MOST {
            said.pop_first();
        }
        drop(said);
        match consequence {
            Consequence::Ignored => warn!(
                key,
                revision, problem, "ignoring an unreadable value; `wombat doctor` says what to do"
            ),
            Consequence::BuildsRefused => error!(
                key,
                revision,
                problem,
                "an unreadable value: builds are refused until it is written anew; `wombat doctor` says how"
            ),
        }
    }
}
